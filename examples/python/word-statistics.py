"""Counts the words of a text slowly, with progress, and stops when it is told to. JSON lines in, JSON lines out."""

import json
import queue
import sys
import threading

cancelled = set()
tasks = queue.Queue()


def write(message):
    print(json.dumps(message), flush=True)


def work():
    while True:
        message = tasks.get()
        if message is None:
            return
        words = str(message["kwargs"].get("text", message["task"])).lower().split()
        counts = {}
        for index, word in enumerate(words):
            if message["id"] in cancelled:
                break
            counts[word] = counts.get(word, 0) + 1
            write({"id": message["id"], "progress": (index + 1) / len(words), "message": word})
        else:
            write({"id": message["id"], "result": {"words": len(words), "counts": counts}})


worker = threading.Thread(target=work)
worker.start()
for line in sys.stdin:
    message = json.loads(line)
    if message.get("type") == "cancel":
        cancelled.add(message["id"])
    else:
        tasks.put(message)
tasks.put(None)
worker.join()
