from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest
from django.utils import translation

from allegro_queue.dashboard.charts import (
    Column,
    Mark,
    Run,
    Series,
    Span,
    Strip,
    Tick,
    attempt_bar,
    attempt_scale,
    bars,
    describe,
    durations,
    lane,
    lane_scale,
    runs,
    share_bar,
    slots,
    spark,
    strips,
    time_ticks,
    twin,
)

HOSTILE = "\"><script>alert('x')</script>\x00\ud800&"
TICKS = [Tick(0, HOSTILE), Tick(0.5, "12:00", minor=True), Tick(1, "13:00")]
SERIES = {
    "empty": [],
    "one point": [7.0],
    "all nought": [0.0, 0.0, 0.0],
    "nothing measured": [None, None, None],
    "gaps": [1.0, None, 3.0, None, None, 2.0],
    "huge": [1e12, 3.0, 1e300],
}


def shown(value: float) -> str:
    return f"{value:g} <ms>"


def every_chart(values: list[float | None]) -> list[str]:
    return [
        strips(
            [
                Strip(name=HOSTILE, values=values, kind=kind, now=HOSTILE) for kind in ("line", "area", "bars")
            ],
            ticks=TICKS,
            sentence=HOSTILE,
            marks=[Mark(0.2, HOSTILE), Mark(0.9, HOSTILE, "bad")],
            unknown=[Span(0, 0.1, HOSTILE), Span(0.6, 1, HOSTILE)],
            running=True,
        ),
        durations(
            [Series(name=HOSTILE, values=values), Series(name="other", values=values, look="hz-p95")],
            shown=shown,
            ticks=TICKS,
            sentence=HOSTILE,
            marks=[Mark(1, HOSTILE)],
            unknown=[Span(0.2, 0.4, HOSTILE)],
            running=True,
        ),
        twin([HOSTILE for _ in values], [Column(HOSTILE, values, shown)], about=HOSTILE),
        spark(values),
        bars(values, "hz-fail"),
        runs([Run("done", value) for value in values] + [Run("late", 1), Run("failed", 2, True), Run("missed")], HOSTILE),
        lane(len(values), HOSTILE, "bad"),
        lane_scale(),
        slots(["busy", "other", "free", "lost"] * len(values), HOSTILE),
        share_bar(len(values) / 3),
        attempt_bar(queued=0, started=1, ended=3, limit=1, whole=3, failed=True, sentence=HOSTILE),
        attempt_bar(queued=None, started=0, ended=0, limit=None, whole=0, failed=False, sentence=HOSTILE),
        attempt_scale(len(values), shown),
    ]  # fmt: skip


def test_the_words_of_a_mark_stand_above_the_name_of_the_strip_below_them():
    drawing = strips(
        [Strip(name="Failed attempts", values=[1.0, 2.0])], ticks=[], sentence="", marks=[Mark(0.6, "deploy 2.0")]
    )
    texts = {each.text: float(each.get("y")) for each in ElementTree.fromstring(drawing).iter("text")}

    assert texts["Failed attempts"] - texts["deploy 2.0"] > 12


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES)
def test_every_chart_is_well_formed_and_holds_no_style_and_no_foreign_markup(values):
    for chart in every_chart(values):
        root = ElementTree.fromstring(chart)

        assert "script" not in {each.tag for each in root.iter()}
        assert not any(
            "style" in each.attrib or any(name.startswith("on") for name in each.attrib) for each in root.iter()
        )
        chart.encode()
        assert "nan" not in chart.lower()
        assert "inf" not in chart.lower()  # fmt: skip


@pytest.mark.parametrize("values", SERIES.values(), ids=SERIES)
def test_a_chart_is_an_image_with_its_sentence_and_its_text_does_not_scale(values):
    for chart in every_chart(values)[:2]:
        drawing = ElementTree.fromstring(chart)[0]

        assert drawing.tag == "svg"
        assert drawing.attrib["role"] == "img"
        assert "alert('x')" in drawing.attrib["aria-label"]
        assert "viewBox" not in drawing.attrib
        assert all(nested.find(".//text") is None for nested in drawing.findall("svg"))


def path_of(chart: str) -> str:
    found = ElementTree.fromstring(chart).find(".//path[@class='hz-line hz-done']")
    assert found is not None
    return found.get("d", "")


def test_what_was_not_measured_is_a_gap_and_never_a_zero():
    line = path_of(spark([4.0, 4.0, None, 4.0, 4.0], area=False))

    assert line.count("M") == 2
    assert f" {24}" not in line
    assert path_of(spark([None, None], area=False)) == ""


def test_a_value_between_two_gaps_can_still_be_seen():
    line = path_of(spark([None, 4.0, None], area=False))

    assert line.count("M") == 1
    assert line.count("L") == 1


def test_the_running_bucket_is_hatched_and_so_is_what_was_not_measured():
    hatch = 'fill="url(#hz-hatch)"'

    assert strips([Strip(name="a", values=[1.0, 2.0])], ticks=TICKS, sentence="s").count(hatch) == 0
    chart = strips(
        [Strip(name="a", values=[1.0, 2.0])], ticks=TICKS, sentence="s", running=True, unknown=[Span(0, 0.5, "stopped")]
    )
    assert chart.count(hatch) == 2
    assert 'x="50%" y="18" width="50%"' in chart
    assert "stopped" in chart


def test_no_hatch_is_drawn_over_the_name_of_a_strip():
    chart = strips(
        [Strip(name=name, values=[1.0, 2.0]) for name in ("first", "second")],
        ticks=TICKS,
        sentence="s",
        running=True,
        unknown=[Span(0, 0.5, "stopped")],
    )

    assert chart.rindex("url(#hz-hatch)") < min(chart.index(">first<"), chart.index(">second<"))


def test_a_failure_is_at_least_one_pixel_high_and_nought_is_no_bar():
    drawn = ElementTree.fromstring(bars([0.0, 1.0, 100_000.0, None]))
    heights = [float(each.attrib["height"]) for each in drawn.iter("rect")]

    assert len(heights) == 2
    assert heights[0] == 1


def test_the_end_of_a_strip_says_unknown_when_its_last_bucket_was_not_measured():
    given = [Strip(name="a", values=[1.0, None])]

    assert ">unknown<" in strips(given, ticks=TICKS, sentence="s")
    with translation.override("he"):
        assert ">לא ידוע<" in strips(given, ticks=TICKS, sentence="s")
    assert ">12,431<" in strips([Strip(name="a", values=[1.0, 12431.0])], ticks=TICKS, sentence="s")


def test_labels_of_lines_that_end_together_keep_apart():
    series = [Series(name=str(index), values=[10.0, 10.0]) for index in range(3)]
    drawn = ElementTree.fromstring(durations(series, shown=shown, ticks=TICKS, sentence="s", height=100))
    places = sorted(float(each.attrib["y"]) for each in drawn.iter("text") if "hz-end" in each.get("class", ""))

    assert all(later - earlier >= 14 for earlier, later in itertools.pairwise(places))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([2.0, 600.0, 412.0], "Done: 412 now, highest 600 at 12:01."),
        ([3.0, 3.0], "Done: 3 throughout."),
        ([], "Done: nothing measured."),
        ([None, None], "Done: nothing measured."),
        ([5.0, None, 7.0], "Done: 7 now, highest 7 at 12:02. 1 of 3 intervals were not measured."),
        ([5.0, 9.5, None], "Done: unknown now, highest 9.5 at 12:01. 1 of 3 intervals were not measured."),
    ],
)
def test_the_sentence_is_computed_from_the_values(values, sentence):
    assert describe("Done", values, ["12:00", "12:01", "12:02"]) == sentence


def test_the_table_holds_the_same_numbers_newest_first():
    table = ElementTree.fromstring(twin(["12:00", "12:01"], [Column("Done", [1.0, None])]))
    rows = [[cell.text for cell in row] for row in table.findall(".//tbody/tr")]

    assert rows == [["12:01", "not measured"], ["12:00", "1"]]


def test_a_lane_says_how_many_wait_and_fills_with_them():
    def fill(waiting: int) -> float:
        found = ElementTree.fromstring(lane(waiting, f"{waiting} waiting")).find("rect[@class='hz-lane-fill']")
        return float(found.attrib["width"].rstrip("%")) if found is not None else 0.0

    assert fill(0) == 0
    assert 0 < fill(1) < fill(100) < fill(10_000)
    assert fill(100_000) == fill(10**9) == 100


def test_ticks_are_times_in_the_zone_asked_for():
    ticks = time_ticks(0, 3600)

    assert [tick.label for tick in ticks] == ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]
    assert [tick.minor for tick in ticks] == [False, True] * 3 + [False]
    assert time_ticks(0, 86_400)[0].label == "Thu 00:00"
