"""A small process that stands in for a big one: listens on a port, answers any HTTP request, and may have a child."""

import http.server
import subprocess
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    """200 to everything, without a log line."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


if __name__ == "__main__":
    if "--with-child" in sys.argv:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
