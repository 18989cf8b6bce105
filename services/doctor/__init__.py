"""One look at the whole set: every service's own doctor, and the servers they all use."""
