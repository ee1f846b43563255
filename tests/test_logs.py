"""Every log line is structured, and says which lab session it is about."""

import io
import json
import logging
import logging.config
import uuid

import pytest
import structlog
from django.http import HttpResponse
from django.urls import reverse

from config.request_log import RequestLog
from config.settings.logs import log_config
from labs import provisioning
from labs.models import Sandbox
from tests.labs.factories import SessionFactory


@pytest.fixture
def lines(monkeypatch):
    """What is logged from here on, as the objects that LOG_FORMAT=json writes."""
    form = log_config("json", {})["formatters"]["structured"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form.pop("()")(**form))
    root = logging.getLogger()
    root.addHandler(handler)
    structlog.contextvars.clear_contextvars()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    structlog.contextvars.clear_contextvars()


def test_a_line_of_a_plain_logger_becomes_one_object_whatever_was_logged(lines):
    logging.getLogger("labs").warning("a line\nbreak %s", '"quoted"', extra={"seconds": 3})
    (line,) = lines()
    assert line["event"] == 'a line\nbreak "quoted"'
    assert (line["level"], line["logger"], line["seconds"]) == ("warning", "labs", 3)


def test_an_exception_stays_on_its_line(lines):
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("labs").exception("it broke")
    (line,) = lines()
    assert "ValueError: boom" in line["exception"]


@pytest.mark.django_db
def test_what_a_worker_says_of_a_sandbox_carries_the_session_and_the_ref(lines):
    session = SessionFactory()
    sandbox = Sandbox.objects.get(session=session)
    provisioning.stop(sandbox.pk, "finished")
    logging.getLogger("labs.drivers").warning("something below")
    (line,) = [line for line in lines() if line["event"] == "something below"]
    assert (line["lab_session"], line["sandbox"]) == (str(session.pk), sandbox.ref)


@pytest.mark.django_db
def test_a_request_is_one_line_with_its_session_and_without_its_query(client, lines):
    session_id = uuid.uuid4()
    client.get(
        reverse("labs:session", args=[session_id]), {"token": "secret"}, headers={"x-request-id": "abc"}
    )
    (line,) = [line for line in lines() if line["event"] == "request_finished"]
    assert line["lab_session"] == str(session_id)
    assert line["request_id"] == "abc"
    assert line["code"] == 302
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize("forged", ["x" * 65, "a b", "a\nlevel=error", ""])
def test_a_request_id_that_looks_like_none_is_replaced(rf, lines, forged):
    request = rf.get("/", HTTP_X_REQUEST_ID=forged)
    RequestLog(lambda _request: HttpResponse())(request)
    (line,) = [line for line in lines() if line["event"] == "request_finished"]
    assert uuid.UUID(line["request_id"])


def test_a_form_of_log_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match="'xml'"):
        log_config("xml", {})
