"""A sign-in page in a real Chromium: its weight, its first paint, and what moves after it.

Cold each time: a new context has neither cookies nor a cache.
"""

import statistics

from playwright.async_api import Browser, async_playwright

import services.mithril_api
from shared.runtime import logging
from tests.bench import targets
from tests.bench.place import Measured, Place
from tests.chromium import chromium_path
from tests.fakes import SteppingClock
from tests.signing_in import Set, started

_LOADS = 15  # the median of them is the figure; the first one warms nobody's cache but the disk's

_PAINT = """() => new Promise(done => {
    let shift = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) shift += entry.value;
    }).observe({type: "layout-shift", buffered: true});
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            if (entry.name !== "first-contentful-paint") continue;
            setTimeout(() => done({paint: entry.startTime, shift}), 100);
        }
    }).observe({type: "paint", buffered: true});
})"""


async def measure(place: Place) -> list[Measured]:
    """The lines about a sign-in page."""
    path = chromium_path()
    if path is None:
        note = "no Chromium on this machine"
        return [
            Measured(target=target, figure=None, note=note)
            for target in (
                targets.PAGE_WEIGHT,
                targets.PAGE_FIRST_PAINT,
                targets.PAGE_SHIFT,
            )
        ]
    logging.configure(service="bench", level="error", human=False)
    url = await place.database("pages", services.mithril_api)
    async with (
        started(url, SteppingClock()) as running,
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            bare = await _bare(browser)
            loads = [await _load(browser, running) for _ in range(_LOADS)]
        finally:
            await browser.close()
    weights, paints, shifts = zip(*loads, strict=True)
    note = (
        f"median of {_LOADS} cold loads; slowest {max(paints):.0f} ms; "
        f"a page of one word: {bare:.0f} ms"
    )
    return [
        Measured(
            target=targets.PAGE_WEIGHT,
            figure=max(weights) / 1000,
            note="page, style sheet and icon, with their headers",
        ),
        Measured(
            target=targets.PAGE_FIRST_PAINT, figure=statistics.median(paints), note=note
        ),
        Measured(target=targets.PAGE_SHIFT, figure=max(shifts), note="the worst of them"),
    ]


async def _bare(browser: Browser) -> float:
    """What this Chromium on this machine needs to paint one word that no server sent."""
    paints = []
    for _ in range(_LOADS):
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto("data:text/html,<!doctype html><p>word")
        paints.append(float((await page.evaluate(_PAINT))["paint"]))
        await context.close()
    return statistics.median(paints)


async def _load(browser: Browser, running: Set) -> tuple[int, float, float]:
    context = await browser.new_context()
    page = await context.new_page()
    finished = []
    page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108
    await page.goto(f"{running.url}/sign-in?{running.query()}", wait_until="networkidle")
    seen = await page.evaluate(_PAINT)
    sizes = [await request.sizes() for request in finished]
    await context.close()
    weight = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    return weight, float(seen["paint"]), float(seen["shift"])
