"""The rows. Each module holds one walk of the house."""

from writingapp.models.engines import Adapter, EngineNode
from writingapp.models.inspiration import Candidate, Inspiration
from writingapp.models.people import User
from writingapp.models.sessions import Revision, WritingSession

__all__ = ["Adapter", "Candidate", "EngineNode", "Inspiration", "Revision", "User", "WritingSession"]
