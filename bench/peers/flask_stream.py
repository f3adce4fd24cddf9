"""Cameras in a Flask application, as many do it: a background thread per camera, an event per viewer, and a generator that
yields the parts.

The thread takes the pictures of a file, $PICTURE, at $FPS a second, each with its birth in a comment segment (the same one
that the fake webcam writes). Behind gunicorn with gevent, threads and events are gevent's.
"""

import os
import struct
import threading
import time

from flask import Flask, Response

app = Flask(__name__)


class Events:
    """An event for each viewer; one that has not looked for five seconds is gone."""

    def __init__(self):
        self.events = {}

    def wait(self):
        viewer = threading.get_ident()
        if viewer not in self.events:
            self.events[viewer] = [threading.Event(), time.monotonic()]
        return self.events[viewer][0].wait()

    def set(self):
        now = time.monotonic()
        gone = []
        for viewer, event in self.events.items():
            if not event[0].is_set():
                event[0].set()
                event[1] = now
            elif now - event[1] > 5:
                gone.append(viewer)
        for viewer in gone:
            del self.events[viewer]

    def clear(self):
        self.events[threading.get_ident()][0].clear()


class Camera:
    """A camera whose thread runs while somebody watches."""

    def __init__(self):
        self.thread = None
        self.frame = None
        self.last_access = 0.0
        self.events = Events()

    def frames(self):
        with open(os.environ["PICTURE"], "rb") as file:
            jpeg = file.read()
        interval = 1 / float(os.environ["FPS"])
        due = time.monotonic()
        number = 0
        while True:
            due += interval
            time.sleep(max(0, due - time.monotonic()))
            number += 1
            born = f"BORN{number:016x}{time.time_ns():016x}".encode()
            yield jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(born) + 2) + born + jpeg[2:]

    def run(self):
        for frame in self.frames():
            self.frame = frame
            self.events.set()
            if time.monotonic() - self.last_access > 10:
                break
        self.thread = None

    def next(self):
        self.last_access = time.monotonic()
        if self.thread is None:
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()
        self.events.wait()
        self.events.clear()
        return self.frame


cameras = {}


def parts(camera):
    yield b"--frame\r\n"
    while True:
        yield b"Content-Type: image/jpeg\r\n\r\n" + camera.next() + b"\r\n--frame\r\n"


@app.route("/cameras/<int:number>/stream")
def stream(number):
    camera = cameras.setdefault(number, Camera())
    return Response(parts(camera), mimetype="multipart/x-mixed-replace; boundary=frame")
