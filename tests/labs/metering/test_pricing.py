"""The arithmetic of prices: exact, additive, rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.metering.pricing import (
    Rates,
    Totals,
    cost,
    digits_for,
    held_for,
    in_units,
    minor,
    per_hour,
    shown,
)

amounts = st.integers(0, 10**15)
totals = st.builds(Totals, amounts, amounts, amounts)
prices = st.decimals(0, 10_000, places=6).map(Fraction)
rates = st.builds(Rates, st.just("CNY"), prices, prices, prices)


@given(totals, totals, rates)
def test_the_price_of_a_sum_is_the_sum_of_the_prices(first, second, card):
    assert cost(first + second, card) == cost(first, card) + cost(second, card)


@given(totals, rates, st.integers(1, 1000))
def test_however_an_interval_is_cut_it_costs_the_same(total, card, cut):
    part = Totals(total.millicpu_us // cut, total.mib_us // cut, total.cpu_ns // cut)
    rest = Totals(
        total.millicpu_us - part.millicpu_us, total.mib_us - part.mib_us, total.cpu_ns - part.cpu_ns
    )
    assert minor(cost(part, card) + cost(rest, card)) == minor(cost(total, card))


@given(st.fractions(-10_000, 10_000))
def test_rounding_is_to_the_nearest_hundredth_and_the_same_on_both_sides_of_zero(amount):
    assert abs(Fraction(minor(amount), 100) - amount) <= Fraction(1, 200)
    assert minor(-amount) == -minor(amount)


def test_exactly_half_a_hundredth_goes_up():
    assert [minor(Fraction(n, 1000)) for n in (4, 5, 15, 14, -5)] == [0, 1, 2, 1, -1]


@given(st.integers(-(10**12), 10**12))
def test_hundredths_and_decimals_are_the_same_amount(hundredths):
    assert Fraction(in_units(hundredths)) == Fraction(hundredths, 100)


def test_an_hour_of_a_machine_costs_what_the_card_says():
    card = Rates("CNY", Fraction(Decimal("0.12")), Fraction(Decimal("0.03")))
    assert per_hour(2000, 1024, card) == Fraction(27, 100)
    assert cost(held_for(500, 512, 60), card) == (Fraction(6, 100) + Fraction(15, 1000)) / 60


def test_used_processor_time_has_a_price_of_its_own():
    card = Rates("CNY", Fraction(0), Fraction(0), Fraction(36))
    assert cost(Totals(cpu_ns=1_500_000_000), card) == Fraction(15, 1000)


@given(st.fractions(0, 10**6))
def test_what_is_shown_is_the_amount_rounded(amount):
    assert abs(Fraction(shown(amount)) - amount) <= Fraction(1, 200)
    assert shown(amount).split(".")[1].isdigit()


def test_small_amounts_do_not_look_like_nothing():
    assert [shown(Fraction(n)) for n in ("0", "0.004", "0.5", "1234.5")] == [
        "0.00",
        "0.0040",
        "0.50",
        "1234.50",
    ]


@pytest.mark.parametrize(
    ("before", "after", "digits"),
    [("3.25", "9.5", 2), ("0.087", "0.102", 3), ("0.0871", "0.0872", 4), ("0.5", "0.5", 2)],
)
def test_two_prices_are_shown_with_digits_that_tell_them_apart(before, after, digits):
    assert (
        digits_for(Fraction(before), Fraction(after))
        == digits_for(Fraction(after), Fraction(before))
        == digits
    )


@given(st.fractions(0, 1000), st.fractions(0, 1000))
def test_what_is_shown_between_two_prices_is_their_difference_to_the_eye(before, after):
    digits = digits_for(before, after)
    scale = 10**digits
    rounded = [minor(amount * scale / 100) for amount in (before, after, after - before)]
    assert digits == 4 or rounded[1] - rounded[0] == rounded[2]
