# Answers over HTTP who it is and whom it reaches: its peers, or those that are asked for (/reach?host:port,host:port).
# For Python 2 and 3, and without a single quote: it stands between two of them.
import json, os, socket, threading
try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn

def reaches(target):
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        return True
    except (socket.error, ValueError):
        return False

def reached(targets):
    found = {}
    # All at once: each that is kept out takes the whole time.
    threads = [threading.Thread(target=lambda target=target: found.update({target: reaches(target)})) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found

class Probe(BaseHTTPRequestHandler):
    def do_GET(self):
        query = self.path.partition("?")[2] or os.environ.get("STAR_PEERS", "")
        peers = [peer for peer in query.split(",") if peer]
        found = {"name": os.environ.get("STAR_NAME", ""), "reaches": reached(peers)}
        body = json.dumps(found, indent=2, sort_keys=True).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

Server(("", int(os.environ["STAR_PORT"])), Probe).serve_forever()
