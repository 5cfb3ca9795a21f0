from __future__ import annotations

import io

from allegro.dev.output import MergedLog


def written(text: str, *, colour: bool) -> str:
    stream = io.StringIO()
    MergedLog(stream, colour=colour).line("web", text)
    return stream.getvalue()


def test_lines_are_plain_on_a_pipe_even_when_the_program_colours_them():
    assert written("\x1b[31mred\x1b[0m", colour=False) == "web     │ red\n"


def test_names_are_coloured_on_a_terminal_and_a_colour_ends_with_its_line():
    assert written("\x1b[31mred", colour=True) == "\x1b[36mweb     │\x1b[0m \x1b[31mred\x1b[0m\n"


def test_nothing_in_a_line_can_steer_the_terminal():
    assert (
        written("a\x1b]0;title\x07b\x1b[2Jc\x9b31md\te", colour=True)
        == "\x1b[36mweb     │\x1b[0m a]0;titleb[2Jc31md\te\n"
    )


def test_empty_lines_are_left_out():
    assert written("  ", colour=False) == ""


def test_a_block_lines_up_its_values():
    stream = io.StringIO()
    MergedLog(stream, colour=False).block({"Dashboard": "here", "Mail": "there"})

    assert stream.getvalue() == "\n  Dashboard  here\n  Mail       there\n\n"
