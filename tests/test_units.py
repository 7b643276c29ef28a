"""One rule for bytes: as docker prints them, never too wide, right at every border."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.units import (
    Units,
    count,
    format_about,
    format_age,
    format_exact,
    format_number,
    format_ratio,
    format_size,
    format_span,
    natural_list,
    parse_size,
    part_of,
)

SI, BINARY = Units.SI, Units.BINARY


@pytest.mark.parametrize(
    ("size", "units", "text"),
    [
        (None, SI, "?"),
        (0, SI, "0 B"),
        (999, SI, "999 B"),
        (1000, SI, "1.0 kB"),
        (12_345, SI, "12.3 kB"),
        (819_500, SI, "820 kB"),
        (5_000_000, SI, "5.0 MB"),
        (6_640_000, SI, "6.6 MB"),
        (798_575_911, SI, "799 MB"),
        (1_136_000_000, SI, "1.14 GB"),
        (38_200_000_000, SI, "38.2 GB"),
        (312_000_000_000, SI, "312 GB"),
        (2_000_000_000_000, SI, "2.00 TB"),
        # borders: rounding moves on to fewer decimals, and to the next unit
        (99_949, SI, "99.9 kB"),
        (99_950, SI, "100 kB"),
        (999_499, SI, "999 kB"),
        (999_500, SI, "1.0 MB"),
        (999_950, SI, "1.0 MB"),
        (999_499_999, SI, "999 MB"),
        (999_500_000, SI, "1.00 GB"),
        (9_994_999_999, SI, "9.99 GB"),
        (9_995_000_000, SI, "10.0 GB"),
        (2**70, SI, "1181 EB"),
        (-5_000_000, SI, "−5.0 MB"),
        (-999_950, SI, "−1.0 MB"),
        (1023, BINARY, "1023 B"),
        (1024, BINARY, "1.0 KiB"),
        (1023 * 1024, BINARY, "1023 KiB"),
        (1024 * 1024 - 512, BINARY, "1.0 MiB"),
        (1024 * 1024 - 513, BINARY, "1023 KiB"),
        (3 * 1024**3 // 2, BINARY, "1.50 GiB"),
    ],
)
def test_sizes(size: int | None, units: Units, text: str) -> None:
    assert format_size(size, units) == text


def test_a_difference_carries_its_sign() -> None:
    assert format_size(5_000_000, SI, signed=True) == "+5.0 MB"
    assert format_size(-5_000_000, SI, signed=True) == "−5.0 MB"
    assert format_size(0, SI, signed=True) == "0 B"


@given(st.integers(0, 10**18), st.sampled_from(Units))
def test_sizes_are_narrow_never_decrease_and_mean_what_they_say(size: int, units: Units) -> None:
    text = format_size(size, units)
    assert len(text) <= (7 if units is SI else 8)
    number, _ = text.split(" ")
    assert float(number) < units.base
    assert abs(parse_size(text) - size) <= size * 0.05  # half of the last digit: 1.05 shows as 1.1
    assert format_size(size + 1, units) == text or parse_size(format_size(size + 1, units)) > parse_size(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("5G", 5_000_000_000),
        ("5gb", 5_000_000_000),
        (" 500 MB ", 500_000_000),
        ("1.5 GiB", 1_610_612_736),
        (".5k", 500),
        ("1Ki", 1024),
        ("1.0001kB", 1001),
        ("12B", 12),
    ],
)
def test_sizes_that_people_write(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "G", "-5G", "5 apples", "1,5G", "5GG", "5iB", "nan", "inf", "1e9", "٣G", "1" * 40]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("write it like 500MB")):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "1 minute"),
        (3600, "1 hour"),
        (47 * 3600, "47 hours"),
        (3 * 86400, "3 days"),
        (14 * 86400, "2 weeks"),
        (150 * 86400, "5 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
        (-3 * 86400, "in 3 days"),
    ],
)
def test_ages(seconds: int, age: str) -> None:
    now = 1_780_000_000
    assert format_age(now - seconds, now) == age


def test_an_unknown_age_says_so() -> None:
    assert format_age(None, 0) == "?"


@pytest.mark.parametrize(
    ("whole", "part", "text"),
    [(3_750, 799, "4.7×"), (10, 10, "1.0×"), (995, 10, "99.5×"), (9995, 10, "1000×"), (1, 0, "?"), (None, 1, "?")],
)
def test_ratios(whole: int | None, part: int | None, text: str) -> None:
    assert format_ratio(whole, part) == text


# --- counts, spans and lists ----------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (-999, "-999"), (-1234, "-1,234"), (1_234_567, "1,234,567")],
)
def test_numbers(number: int, text: str) -> None:
    assert format_number(number) == text


@given(st.integers())
def test_numbers_have_a_comma_before_each_three_digits(number: int) -> None:
    assert format_number(number) == f"{number:,}"


@pytest.mark.parametrize(
    ("number", "many", "text"),
    [
        (0, "boxes", "0 boxes"),
        (3, "", "3 boxs"),
        (1, "", "1 box"),
        (2, "boxes", "2 boxes"),
        (1, "boxes", "1 box"),
        (1234, "boxes", "1,234 boxes"),
    ],
)
def test_counts(number: int, many: str, text: str) -> None:
    assert count(number, "box", many) == text


@pytest.mark.parametrize(("size", "text"), [(None, "?"), (0, "0 B"), (572_201_450, "572,201,450 B")])
def test_every_byte(size: int | None, text: str) -> None:
    assert format_exact(size) == text


@pytest.mark.parametrize(
    ("items", "most", "text"),
    [
        ("", None, ""),
        ("a", None, "a"),
        ("ab", None, "a and b"),
        ("abc", None, "a, b and c"),
        ("abc", 3, "a, b and c"),
        ("abcd", 3, "a, b, c and 1 more"),
        ("abc", 1, "a and 2 more"),
        ("a" * 2001, 1, "a and 2,000 more"),
    ],
)
def test_lists_in_a_sentence(items: str, most: int | None, text: str) -> None:
    assert natural_list(list(items), most) == text


def test_a_list_counts_what_it_does_not_name() -> None:
    assert natural_list(["a"], more=12) == "a and 12 more"
    assert natural_list(["a", "b", "c"], 2, more=1234) == "a, b and 1,235 more"
    assert natural_list(["a"], more=0) == natural_list(["a"], more=-1) == "a"


def test_a_list_of_which_one_is_meant() -> None:
    assert natural_list(["a", "b", "c"], word="or") == "a, b or c"
    assert natural_list(["a"], word="or") == "a"
    assert natural_list(["a", "b", "c"], 1, word="or") == "a or 2 more"


def test_a_part_of_a_whole_has_words_for_the_whole() -> None:
    assert part_of(14, 1036) == "14 of 1,036"
    assert part_of(1, 1, "image") == "1 of 1 image"
    assert part_of(1, 2, "repository", "repositories") == "1 of 2 repositories"


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (-5, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (119, "1 minute"),
        (3599, "59 minutes"),
        (7500, "2 hours and 5 minutes"),
        (86_399, "23 hours and 59 minutes"),
        (86_400, "1 day"),
        (40 * 86_400 + 7200, "40 days and 2 hours"),
        (800 * 86_400, "800 days"),
    ],
)
def test_spans_are_never_longer_than_they_were(seconds: float, span: str) -> None:
    assert format_span(seconds) == span


@pytest.mark.parametrize(
    ("seconds", "about"),
    [
        (-1, "a moment"),
        (0.4, "a moment"),
        (14, "14 seconds"),
        (3600, "an hour"),
        (86_400, "a day"),
        (21 * 86_400, "21 days"),
        (400 * 86_400, "400 days"),
    ],
)
def test_about_how_long(seconds: float, about: str) -> None:
    assert format_about(seconds) == about


def test_a_number_that_is_drawn_again_costs_no_more_than_python_s_own() -> None:
    """humanize takes some microseconds for each: what a screen draws at every key is kept."""
    format_number(4_321)
    before = format_number.cache_info().hits
    assert format_number(4_321) == "4,321"
    assert format_number.cache_info().hits == before + 1
