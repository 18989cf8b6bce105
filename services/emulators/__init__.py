"""Stand-ins for the outside systems (SMS, mail, signatures, persons) on a laptop."""
