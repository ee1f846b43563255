import pytest

from tests.courses.bank.worlds import BankWorld, bank_world


@pytest.fixture
def world(db: None) -> BankWorld:
    return bank_world()
