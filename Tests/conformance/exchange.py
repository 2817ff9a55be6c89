"""One HTTP request and its response, by http.client: blocking, so to be used from a thread."""
import http.client
import socket

from hosts import DEADLINE


class Exchange:
    def __init__(self, port, method, target, headers, body):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self.request = (method, target, body, headers)
        self.response = None
        self.seen = b""

    def begin(self):
        method, target, body, headers = self.request
        self.connection.connect()
        # As it is, with no header of http.client's own beyond Host and the length of a body.
        self.connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)

    def head(self):
        if self.response is None:
            self.response = self.connection.getresponse()
        return self.response

    def part(self, length):
        """Reads on until there are so many bytes of the body that no part has had yet."""
        response = self.head()
        while len(self.seen) < length:
            piece = response.read1(65536)
            if not piece:
                break
            self.seen += piece
        part, self.seen = self.seen[:length], self.seen[length:]
        return part

    def rest(self):
        rest = self.seen + self.head().read()
        self.seen = b""
        return rest

    def end(self):
        """Leaves, also while another thread waits for the response."""
        sock = self.connection.sock or (self.response and getattr(self.response.fp, "raw", None))
        try:
            if isinstance(sock, socket.socket):
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first
        if self.response:
            self.response.close()
        self.connection.close()
