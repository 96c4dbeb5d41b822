"""One call back to the adapter before."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from writingapp.services import letters, promoting
from writingapp.services.promoting import NotPromoted


class Command(BaseCommand):
    """`manage.py rollback`"""

    help = "Retire the adapter that writes, and let the one before it write, or the base."

    def handle(self, **_said: object) -> None:
        try:
            back = promoting.rollback(now=timezone.now())
        except NotPromoted as fault:
            raise CommandError(letters.because(fault.code, fault.detail, "en")) from fault
        self.stdout.write(f"{back.name if back else 'The base'} writes.")
