"""What rsyslog does for HAProxy: datagrams into a file, which a HUP has it reopen.  log_daemon.py PORT FILE"""

import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.settimeout(0.2)
wanted = [True]
signal.signal(signal.SIGHUP, lambda *_: wanted.append(True))
file = Path(sys.argv[2]).open("ab", buffering=0)
while True:
    if wanted:
        wanted.clear()
        file.close()
        file = Path(sys.argv[2]).open("ab", buffering=0)
    with suppress(TimeoutError):
        file.write(server.recv(65536).rstrip(b"\n\0").partition(b"]: ")[2] + b"\n")
