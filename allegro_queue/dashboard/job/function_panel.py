"""How a job's function does otherwise: its last runs, and its day."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from allegro_queue.dashboard.charts.runs import Result, Run, runs
from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.pairs import pairs_of
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.metrics.series import totals
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.history.filters import Filter
from allegro_queue.history.measured import points, whole
from allegro_queue.history.run_pages import find_runs
from allegro_queue.metrics.counts import DAY, HOUR
from allegro_queue.wording import worded

RUNS_SHOWN = 20
"""Last runs of the function."""

RESULTS: dict[str, Result] = {"succeeded": "done", "retried": "late", "failed": "failed", "lost": "missed"}
"""How the strip of last runs draws an outcome."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionPanel:
    """How its function does otherwise."""

    strip: SafeString | str
    sentence: str
    p50: float | None
    p95: float | None
    runs: int
    failed: int
    failed_share: float
    failed_address: str
    all_address: str
    metrics_address: str


def read_function(name: str, job_id: str, now: float) -> FunctionPanel | None:
    """The last runs of a function, and its day; ``None`` when nothing is known of it."""
    last = find_runs(Filter(name=name), limit=RUNS_SHOWN).rows
    day = points("job", [name], seconds=HOUR, since=now - DAY)[name]
    if not last and not day:
        return None
    sums = totals(whole(day), DAY / 60)
    ended = sums.done + sums.failed
    well = sum(run.outcome == "succeeded" for run in last)
    sentence = (
        worded(
            ngettext("{well} of the last {n} run ended well.", "{well} of the last {n} runs ended well.", len(last)),
            well=count(well),
            n=count(len(last)),
        )
        if last
        else ""
    )
    strip = [
        Run(RESULTS.get(run.outcome, "done"), run.run_seconds, current=run.job_id == job_id) for run in reversed(last)
    ]
    return FunctionPanel(
        strip=runs(strip, sentence) if strip else "",
        sentence=sentence,
        p50=sums.runtime.p50,
        p95=sums.runtime.p95,
        runs=ended,
        failed=sums.failed,
        failed_share=sums.failed_share,
        failed_address=of_function(name, "failed", "<24h"),
        all_address=of_function(name, ALL, ""),
        metrics_address=link("job_metrics", job_name=name) if "." in name else "",
    )


def of_function(name: str, state: str, age: str) -> str:
    """Its runs."""
    terms = [Term(key="state", values=(state,)), Term(key="func", values=(name,))]
    return link_to("jobs", pairs_of([*terms, Term(key="age", values=(age,))] if age else terms))
