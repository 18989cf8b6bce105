from tests.bench.place import Measured, Place


async def measure(place: Place) -> list[Measured]:
    return []
