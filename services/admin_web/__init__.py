"""The console of administrators and auditors, over the APIs of the other services."""
