"""A fork: programs that go on as two share nothing that holds somebody's answer."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

FORKS = """import os, sys
from graphhelpers import sandbox_cloud
from graphhelpers.wire import get_published
cloud = sandbox_cloud(sys.argv[1], sys.argv[1])
for _ in range(2):
    get_published(cloud, cloud.authority)
child = os.fork()
get_published(cloud, cloud.authority)
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
def test_after_a_fork_no_connection_is_shared():
    connections = []

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            connections.append(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        subprocess.run([sys.executable, "-c", FORKS, url], check=True, timeout=60)
        server.shutdown()
    # Two by the parent, then one each, in whatever order: two answers read from one connection
    # by two processes could be each other's.
    assert len(connections) == 4 and connections[0] == connections[1]
    assert len(set(connections)) == 2
