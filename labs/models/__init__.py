from labs.models.act import OperatorAct
from labs.models.allowance import Allowance, AllowanceWarning, Kind, Period
from labs.models.booking import Booking
from labs.models.egress import EgressRequest
from labs.models.isolation import IsolationReport
from labs.models.lab import Lab, LabCheck, LabStep, Level
from labs.models.ledger import Meter, UsageEntry
from labs.models.place import Outcome, QueuePlace
from labs.models.playback import Playback
from labs.models.pool import Expectation, ImageSet
from labs.models.prices import Budget, BudgetWarning, RateCard, Statement, StatementLine
from labs.models.recording import Recording
from labs.models.resizing import Resize
from labs.models.sandbox import Node, Sandbox, SandboxEvent
from labs.models.session import CheckRequest, CheckResult, LabSession, Mode
from labs.models.snapshot import Fork, ForkOpening, PuttingBack, Snapshot, SnapshotHome
from labs.models.teaching import (
    ClassPlace,
    Deed,
    HintOpening,
    Place,
    RaisedHand,
    TaughtClass,
    TeachingEvent,
    TeachingMessage,
    TypingLeave,
)
from labs.models.usage import Attendant, Host

__all__ = [
    "Allowance",
    "AllowanceWarning",
    "Attendant",
    "Booking",
    "Budget",
    "BudgetWarning",
    "CheckRequest",
    "CheckResult",
    "ClassPlace",
    "Deed",
    "EgressRequest",
    "Expectation",
    "Fork",
    "ForkOpening",
    "HintOpening",
    "Host",
    "ImageSet",
    "IsolationReport",
    "Kind",
    "Lab",
    "LabCheck",
    "LabSession",
    "LabStep",
    "Level",
    "Meter",
    "Mode",
    "Node",
    "OperatorAct",
    "Outcome",
    "Period",
    "Place",
    "Playback",
    "PuttingBack",
    "QueuePlace",
    "RaisedHand",
    "RateCard",
    "Recording",
    "Resize",
    "Sandbox",
    "SandboxEvent",
    "Snapshot",
    "SnapshotHome",
    "Statement",
    "StatementLine",
    "TaughtClass",
    "TeachingEvent",
    "TeachingMessage",
    "TypingLeave",
    "UsageEntry",
]
