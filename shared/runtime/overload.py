"""More was asked for at once than there is room for: said at once, instead of queueing it all."""


class OverloadedError(Exception):
    """Nothing was done; trying again later is safe. The text may be told."""
