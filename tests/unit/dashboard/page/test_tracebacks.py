from __future__ import annotations

from django.utils import translation

from allegro_queue.dashboard.page.tracebacks import read_trace
from allegro_queue.wording import END, ISOLATE

TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/rq/worker/base.py", line 1671, in perform_job
    return_value = job.perform()
                   ^^^^^^^^^^^^^
  File "/app/allegro_queue/jobs.py", line 103, in perform
    return super().perform()
  File "/app/allegro/audience/jobs.py", line 57, in sync_member
    provider.upsert(member, changes)
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 9, in put
    return self.request()
  File "/usr/lib/python3.11/ssl.py", line 1166, in read
    return self._sslobj.read(len, buffer)
TimeoutError: no answer for ada@example.com
  in ten seconds
"""


def test_the_error_comes_first_and_what_is_private_in_it_is_masked():
    trace = read_trace(TRACEBACK, ["/app"])

    assert trace.error == "TimeoutError: no answer for [masked: e-mail]\n  in ten seconds"


def test_frames_of_many_libraries_name_three_and_count_the_others():
    frame = '  File "/venv/lib/python3.11/site-packages/{0}/a.py", line 1, in f\n    f()\n'
    trace = "Traceback (most recent call last):\n" + "".join(frame.format(name) for name in "abcdef") + "OSError\n"

    with translation.override("en"):
        told = read_trace(trace).steps[0].packages
    with translation.override("he"):
        assert "ועוד" in read_trace(trace).steps[0].packages

    assert told.replace(ISOLATE, "").replace(END, "") == "a, b, c and 2 more"


def test_library_frames_are_folded_together_and_the_raising_frame_is_marked():
    steps = read_trace(TRACEBACK, ["/app"]).steps

    assert [step.folded for step in steps] == [True, False, True, False]
    assert steps[0].packages == "rq, allegro_queue"
    assert steps[1].frames[0].place == "allegro/audience/jobs.py:57"
    assert steps[1].frames[0].function == "sync_member"
    assert steps[1].frames[0].code == "provider.upsert(member, changes)"
    assert steps[2].packages == "httpx"
    assert steps[3].last
    assert steps[3].frames[0].code == "return self._sslobj.read(len, buffer)"


def test_words_between_chained_errors_stay():
    first = 'Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\n    g()\nKeyError: 1\n\n'
    words = "During handling of the above exception, another exception occurred:\n\n"

    trace = read_trace(first + words + first.replace("KeyError: 1", "OSError: 2"), ["/app"])

    assert trace.error == "OSError: 2"
    assert [step.words for step in trace.steps if step.words] == [f"KeyError: 1\n{words.strip()}"]


def test_what_is_no_traceback_is_shown_as_it_is():
    trace = read_trace("Work-horse terminated unexpectedly; waitpid returned 9")

    assert trace.error == "Work-horse terminated unexpectedly; waitpid returned 9"
    assert trace.steps == ()
    assert read_trace("").error == ""
