"""The rows. Each module holds one walk of the house."""

from writingapp.models.engines import Adapter, EngineNode
from writingapp.models.feedback import AuditEvent, Pair, Rating, Review
from writingapp.models.inspiration import Candidate, Inspiration
from writingapp.models.learning import School, TrainingRun, Trial
from writingapp.models.people import User
from writingapp.models.photos import Photo
from writingapp.models.sessions import Revision, WritingSession

__all__ = [
    "Adapter",
    "AuditEvent",
    "Candidate",
    "EngineNode",
    "Inspiration",
    "Pair",
    "Photo",
    "Rating",
    "Review",
    "Revision",
    "School",
    "TrainingRun",
    "Trial",
    "User",
    "WritingSession",
]
