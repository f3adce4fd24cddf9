#!/usr/bin/env python3
"""Floods a running framecast with connections and tells what that costs it.

    tools/flood.py half-open PID ADDRESS 10000     connections that say nothing but half a head
    tools/flood.py connect PID ADDRESS 1000 20     connections a second, each with one request, for so many seconds

PID is the server's process, whose memory and processor time are read; ADDRESS is as 127.0.0.1:5000. The server's
`connections` limit and both programs' limits of open files must allow for it. docs/operating.md has figures.
"""

import os
import resource
import selectors
import socket
import sys
import time

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def memory(pid):
    """Resident megabytes."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) / 1024


def processor(pid):
    """Seconds of processor time."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def half_open(pid, address, count):
    before, begin = memory(pid), time.time()
    open_ones = []
    for _ in range(count):
        connection = socket.create_connection(address)
        connection.sendall(HEAD)
        open_ones.append(connection)
    took, most = time.time() - begin, memory(pid)
    print(f"{count} opened in {took:.1f} s; memory {before:.1f} MB before, {most:.1f} MB with them")
    print(f"{(most - before) * 1024 / count:.1f} kB a connection")
    selector = selectors.DefaultSelector()
    for connection in open_ones:
        selector.register(connection, selectors.EVENT_READ)
    left = count
    while left and time.time() - begin < 120:
        most = max(most, memory(pid))
        for key, _ in selector.select(1):
            try:
                gone = not key.fileobj.recv(4096)
            except ConnectionError:
                gone = True
            if gone:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                left -= 1
    print(f"{count - left} let go after {time.time() - begin:.1f} s; memory {most:.1f} MB at most, {memory(pid):.1f} MB after")
    return left == 0


def connect(pid, address, rate, seconds):
    begin, spent, before = time.time(), processor(pid), memory(pid)
    done, late = 0, []
    while (now := time.time() - begin) < seconds:
        if done > now * rate:
            time.sleep(0.0005)
            continue
        asked = time.time()
        with socket.create_connection(address) as connection:
            connection.sendall(HEAD + b"Connection: close\r\n\r\n")
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                sys.exit("a request was refused")
        late.append(time.time() - asked)
        done += 1
    late.sort()
    print(f"{done / seconds:.0f} connections a second for {seconds:.0f} s")
    print(f"answered after {late[len(late) // 2] * 1000:.2f} ms in the middle, {late[-len(late) // 100] * 1000:.2f} ms at 99 %")
    print(f"processor {(processor(pid) - spent) / seconds * 100:.0f} % of one core; memory {before:.1f} MB before, {memory(pid):.1f} MB after")
    return True


def main():
    if len(sys.argv) < 5 or sys.argv[1] not in ("half-open", "connect"):
        sys.exit(__doc__)
    kind, pid, place, count, *seconds = sys.argv[1:]
    host, _, port = place.rpartition(":")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    address = (host, int(port))
    if kind == "half-open":
        fine = half_open(pid, address, int(count))
    else:
        fine = connect(pid, address, float(count), float(seconds[0] if seconds else 20))
    sys.exit(not fine)


if __name__ == "__main__":
    main()
