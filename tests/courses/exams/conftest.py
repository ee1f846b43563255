import pytest

from tests.courses.exams.worlds import ExamWorld, exam_world


@pytest.fixture
def world(db: None) -> ExamWorld:
    return exam_world()
