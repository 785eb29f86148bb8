"""A file that is no network, or a bad one, is refused with section and line; a stranger's file can do no harm."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tweeling as tw
from tweeling.errors import NetworkFileError
from tweeling.network.inp import judge, sections

GOOD = """[TITLE]
town
[JUNCTIONS]
A 10 5
B 10 5
[RESERVOIRS]
R 100
[PIPES]
1 R A 100 100 100
2 A B 100 100 100
[PATTERNS]
p 1 2 3
[OPTIONS]
UNITS LPS
[TIMES]
DURATION 4
[END]
"""
A_LINE, TIMES = "A 10 5", "[TIMES]"

# name: (what of the good file is replaced, by what, words that the message must hold)
TROUBLE = {
    "a number that is none": (A_LINE, "A ten 5", ("[JUNCTIONS] line 4", "error 202", "ten")),
    "a node that is not there": ("2 A B", "2 A C", ("[PIPES] line 10", "error 203", "C")),
    "two nodes of one name": ("B 10 5", A_LINE, ("[JUNCTIONS] line 5", "error 215")),
    "a section that is none": (TIMES, "[FOO]", ("line 15", "error 299", "[FOO]")),
    "a control of no link": (TIMES, "[CONTROLS]\nLINK 9 OPEN AT TIME 3\n[TIMES]", ("[CONTROLS] line 16", "error 204")),
    "a rule on no link": (
        TIMES,
        "[RULES]\nRULE r\nIF SYSTEM TIME > 3\nTHEN PIPE 9 STATUS IS OPEN\n[TIMES]",
        ("[RULES] line 18", "error 204", "rule r"),
    ),
    "a demand nowhere": (TIMES, "[DEMANDS]\nZ 1\n[TIMES]", ("[DEMANDS] line 16", "error 203")),
    "a word of 300 letters": (A_LINE, "A 10 " + "x" * 300, ("[JUNCTIONS] line 4", "300 characters")),
    "an id of 32 letters": (A_LINE, "x" * 32 + " 10", ("[JUNCTIONS] line 4", "31")),
    "a pattern id of 40 letters": ("p 1", "p" * 40 + " 1", ("[PATTERNS] line 12", "31")),
    "a line of 2000 letters": ("p 1 2 3", "p" + " 1" * 1000, ("[PATTERNS] line 12", "1022")),
    "a number that is infinite": (A_LINE, "A 1e999 5", ("[JUNCTIONS] line 4", "1e999")),
    "a pattern without a number": ("p 1 2 3", "p 1 nan 3", ("[PATTERNS] line 12", "nan")),
    "a time that overflows": ("DURATION 4", "DURATION 1e30", ("[TIMES] line 16", "1e30")),
    "a valve that ends too soon": (TIMES, "[VALVES]\nV A B 100\n[TIMES]", ("[VALVES] line 16", "leaves 'V' out")),
    "a source without strength": (TIMES, "[SOURCES]\nA MASS\n[TIMES]", ("[SOURCES] line 16", "'A' has no strength")),
    "a quote that never ends": (A_LINE, '"A 10 5', ("[JUNCTIONS] line 4", "error 202")),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test puts its file."""
    return tmp_path / "town.inp"


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_named_with_section_and_line(name: str, file: Path) -> None:
    old, new, words = TROUBLE[name]
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(NetworkFileError) as caught:
        tw.read_network(file)
    assert [word for word in (*words, "tweeling check") if word not in str(caught.value)] == []
    assert caught.value.problems[0] in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no section of a network"),
        (b"hello world\n" * 10, "no section of a network"),
        (b"\x89PNG\r\n\x1a\n\xff" * 99, "no section of a network"),
        (GOOD.encode() + b"\0", "NUL"),
        (GOOD.encode("utf-16"), "NUL"),
    ],
)
def test_what_is_no_network_file_is_refused(data: bytes, words: str, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(NetworkFileError, match=words):
        tw.read_network(file)


def test_a_file_that_is_not_there_or_too_large_is_refused(file: Path) -> None:
    with pytest.raises(NetworkFileError, match="no such file"):
        tw.read_network(file)
    with file.open("wb") as sparse:
        sparse.truncate(sections.MAX_BYTES + 1)
    with pytest.raises(NetworkFileError, match="MiB"):
        tw.read_network(file)


def test_at_most_ten_problems_are_listed(file: Path) -> None:
    file.write_text(GOOD.replace(A_LINE, "\n".join(f"{A_LINE}{i} x y z" for i in range(30))))
    with pytest.raises(NetworkFileError) as caught:
        tw.read_network(file)
    assert len(caught.value.problems) == 10


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_do_not_matter(end: str, mark: str, file: Path) -> None:
    file.write_bytes((mark + GOOD).replace("\n", end).encode())
    assert tw.read_network(file).nodes.ids == ("A", "B", "R")


def test_long_comments_do_no_harm(file: Path) -> None:
    file.write_text(GOOD.replace(A_LINE, f";{'c' * 5000}\n{A_LINE};{'d' * 5000}").replace("town", "t" * 3000))
    network = tw.read_network(file)
    assert network.nodes.comment == {0: "d" * 5000}
    assert network.title == ("t" * 3000,)


def test_ids_of_a_latin_1_file_survive_also_31_letters_of_them(file: Path) -> None:
    name = "é" * 31
    file.write_bytes(GOOD.replace("B", name).encode("latin-1"))
    network = tw.read_network(file)
    assert network.nodes.ids[1] == name
    network.write(file)
    assert tw.read_network(file).nodes.ids[1] == name


def test_files_that_a_file_names_are_not_opened_and_their_lines_are_kept(file: Path) -> None:
    evil = file.with_name("evil")
    lines = (f"HYDRAULICS SAVE {evil}", f"MAP {evil}")
    report = f"FILE {evil}"
    file.write_text(GOOD.replace("UNITS LPS", "\n".join(("UNITS LPS", *lines))).replace(TIMES, f"[REPORT]\n{report}\n{TIMES}"))
    network = tw.read_network(file)
    assert network.kept == {"OPTIONS": lines, "REPORT": (report,)}
    assert not evil.exists()
    text = file.read_text()
    copy = judge.safe_copy(text, sections.split_sections(text), "utf-8").decode()
    assert str(evil) not in copy
    assert copy.count("\n") == text.count("\n") + 1


def test_a_reader_that_runs_away_is_stopped(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = file.with_name("child.py")
    child.write_text("while True: pass")
    monkeypatch.setattr(judge, "CHILD", child)
    monkeypatch.setattr(judge, "SECONDS", 0.1)
    file.write_text(GOOD)
    with pytest.raises(NetworkFileError, match="still reading"):
        tw.read_network(file)


def test_a_reader_that_crashes_is_an_error_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = file.with_name("child.py")
    child.write_text("import ctypes; ctypes.string_at(0)")
    monkeypatch.setattr(judge, "CHILD", child)
    file.write_text(GOOD)
    with pytest.raises(NetworkFileError, match="crashed"):
        tw.read_network(file)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("raise MemoryError", "ran out of the memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "more than 30 s of processor time"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed"),
    ],
)
def test_a_reader_at_its_bounds_says_which(ending: str, words: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = file.with_name("child.py")
    child.write_text(ending)
    monkeypatch.setattr(judge, "CHILD", child)
    file.write_text(GOOD)
    with pytest.raises(NetworkFileError, match=words):
        tw.read_network(file)


def test_the_reader_of_a_network_that_needs_more_memory_than_it_gets_is_stopped(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "MEMORY", 2**20)
    file.write_text(GOOD)
    with pytest.raises(NetworkFileError, match="memory"):
        tw.read_network(file)


def test_the_reader_bounds_its_own_processor_time_and_files() -> None:
    runs_away = f"import runpy; runpy.run_path({str(judge.CHILD)!r})['limit'](2**32, 1, 10)"
    busy = subprocess.run([sys.executable, "-c", f"{runs_away}\nwhile True: pass"], check=False)
    assert busy.returncode == -signal.SIGXCPU
    script = f"{runs_away}\nopen('big', 'wb').write(b'x' * 11)"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, check=False)
        assert Path(folder, "big").stat().st_size == 10


def test_networks_are_read_in_threads_side_by_side(file: Path) -> None:
    files = [file.with_name(f"{name}.inp") for name in "CDEF"]
    for each in files:
        each.write_text(GOOD.replace("B", each.stem))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(tw.read_network, files))
    assert [network.nodes.ids[1] for network in found] == ["C", "D", "E", "F"]


def test_the_reader_sees_no_secret_of_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = file.with_name("child.py")
    child.write_text("import os, sys; sys.exit(os.environ.get('TOWN_PASSWORD', 'no secret'))")
    monkeypatch.setattr(judge, "CHILD", child)
    monkeypatch.setenv("TOWN_PASSWORD", "hush")
    file.write_text(GOOD)
    with pytest.raises(NetworkFileError, match="no secret"):
        tw.read_network(file)


def test_reading_works_at_the_top_of_a_script_without_a_main_guard(file: Path) -> None:
    file.write_text(GOOD)
    script = file.with_name("script.py")
    script.write_text(f"import tweeling as tw\nprint(tw.read_network({str(file)!r}).nodes.ids)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "('A', 'B', 'R')\n"
