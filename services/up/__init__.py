"""`mithril up`: the whole set on one machine, with nothing but Python."""
