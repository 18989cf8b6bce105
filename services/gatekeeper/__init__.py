"""The edge: forward-auth for an ingress, and the code-exchange back end of a web app."""
