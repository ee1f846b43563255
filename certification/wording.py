"""Plain words for verdicts and checks, in the reader's language."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from certification.verification import Answer, Check, Finding, Outcome, Question


@dataclass(frozen=True)
class Words:
    """A verdict for a reader: a word, a sentence, and the tone of its sign."""

    word: str | Promise
    sentence: str | Promise
    tone: str


@dataclass(frozen=True)
class Line:
    """One check for a reader."""

    question: str | Promise
    answer: str | Promise
    sentence: str | Promise
    tone: str
    detail: str


VERDICTS = {
    Outcome.VALID: Words(
        pgettext_lazy("verdict", "Valid"),
        _("This certificate is genuine and counts today."),
        "good",
    ),
    Outcome.INVALID: Words(
        pgettext_lazy("verdict", "Invalid"),
        _(
            "This is not a genuine certificate of ours, or it was changed after we signed it. Do not rely on it."
        ),
        "bad",
    ),
    Outcome.NOT_YET_VALID: Words(
        pgettext_lazy("verdict", "Not yet valid"),
        _("This certificate is genuine, but its validity has not begun."),
        "warn",
    ),
    Outcome.EXPIRED: Words(
        pgettext_lazy("verdict", "Expired"),
        _("This certificate is genuine, but its validity has ended."),
        "warn",
    ),
    Outcome.SUSPENDED: Words(
        pgettext_lazy("verdict", "Suspended"),
        _("This certificate is genuine, but it does not count for the time being."),
        "warn",
    ),
    Outcome.REVOKED: Words(
        pgettext_lazy("verdict", "Revoked"),
        _("This certificate was genuine when issued and has been withdrawn. It no longer counts."),
        "bad",
    ),
    Outcome.UNKNOWN: Words(
        pgettext_lazy("verdict", "Unknown"),
        _("We cannot say whether this certificate counts. The checks below say why."),
        "warn",
    ),
}
NOT_FOUND = Words(
    pgettext_lazy("verdict", "Unknown"),
    _("There is no certificate with this id. Check that it is complete, or ask the holder for the file."),
    "warn",
)
QUESTIONS = {
    Question.FORM: _("Form of the document"),
    Question.ISSUER: _("Issuer"),
    Question.SIGNATURE: _("Signature"),
    Question.PERIOD: _("Validity period"),
    Question.STATUS: _("Revocation"),
}
ANSWERS = {
    Answer.PASSED: (pgettext_lazy("check", "Passed"), "good"),
    Answer.FAILED: (pgettext_lazy("check", "Failed"), "bad"),
    Answer.UNKNOWN: (pgettext_lazy("check", "Not known"), "neutral"),
}
FINDINGS = {
    Finding.WELL_FORMED: _("The document has exactly the form in which we sign certificates."),
    Finding.NOT_THE_FORM: _(
        "The document does not have the form in which we sign certificates: something is missing, added or altered."
    ),
    Finding.TRUSTED: _("It names this site as its issuer."),
    Finding.OTHER_ISSUER: _(
        "It names another issuer. This site can vouch only for its own certificates; ask that issuer."
    ),
    Finding.SIGNED: _("The signature is ours and covers every word of the certificate."),
    Finding.NOT_SIGNED: _(
        "The signature does not match the contents. They were changed, or we never signed them."
    ),
    Finding.FOREIGN_KEY: _("It was signed with a key that is not ours."),
    Finding.IN_PERIOD: _("Today is within the period of validity."),
    Finding.WITHOUT_END: _("The validity has begun and has no end."),
    Finding.BEFORE_PERIOD: _("The validity has not begun."),
    Finding.AFTER_PERIOD: _("The validity has ended."),
    Finding.STANDING: _("It is neither revoked nor suspended."),
    Finding.REVOKED: _("It is revoked."),
    Finding.SUSPENDED: _("It is suspended."),
    Finding.LIST_UNREADABLE: _(
        "The list of revoked certificates could not be read, so it may or may not be revoked. Try again later."
    ),
    Finding.NOT_REACHED: _("Not checked, because an earlier check already decided."),
}
CANNOT_READ = {
    "other site": _(
        "This link leads to another site. Open the certificate there, save its file and hand it in here."
    ),
    "other page": _("This link leads to a page of this site that is no certificate."),
    "no credential in the PDF": _(
        "No certificate data was found in this PDF. A printed and scanned PDF loses it: use the QR code or the id instead."
    ),
    "too large": _("This file is larger than any certificate of ours."),
    "not a credential": _("This is neither an id, nor a link, nor the data of a certificate."),
}


def line_of(check: Check) -> Line:
    """The check in words."""
    answer, tone = ANSWERS[check.answer]
    return Line(
        question=QUESTIONS[check.question],
        answer=answer,
        sentence=FINDINGS[check.finding],
        tone=tone,
        detail=check.detail,
    )
