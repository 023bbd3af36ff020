"""Finds anagrams of the last word of a task. Reads tasks and writes results as JSON lines until stdin ends."""

import json
import re
import sys

WORDS = ["enlist", "inlets", "listen", "silent", "tinsel", "stone", "notes", "onset", "tones", "kettle"]


def anagrams(task):
    words = re.findall(r"[a-z]+", task.lower())
    if not words:
        raise ValueError("The task names no word.")
    wanted = words[-1]
    found = [word for word in WORDS if word != wanted and sorted(word) == sorted(wanted)]
    return {"word": wanted, "anagrams": found}


for line in sys.stdin:
    message = json.loads(line)
    # A cancel: nothing here takes long enough to be stopped.
    if message.get("type") == "cancel":
        continue
    answer = {"id": message["id"]}
    try:
        answer["result"] = anagrams(message["task"])
    except ValueError as error:
        answer["error"] = {"code": "INVALID_INPUT", "message": str(error)}
    print(json.dumps(answer), flush=True)
