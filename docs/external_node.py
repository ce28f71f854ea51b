#!/usr/bin/env python3
"""A node of `echo`, `unique-ids` and `broadcast` that speaks Maelstrom's protocol."""
import json, sys

me, neighbours, seen, ids = None, [], set(), 0


def send(dest, **body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    kind = body["type"]
    if kind == "init":
        me = body["node_id"]
    elif kind == "topology":
        neighbours = body["topology"][me]
    elif kind == "generate":
        ids += 1
        body["id"] = f"{me}-{ids}"
    elif kind == "broadcast" and body["message"] not in seen:
        seen.add(body["message"])
        for neighbour in neighbours:
            if neighbour != src:
                send(neighbour, type="broadcast", message=body["message"])
    if "msg_id" in body:
        answer = {"echo": body.get("echo"), "id": body.get("id"), "messages": sorted(seen)}
        wanted = {"echo": ["echo"], "generate": ["id"], "read": ["messages"]}.get(kind, [])
        send(src, type=kind + "_ok", in_reply_to=body["msg_id"], **{name: answer[name] for name in wanted})
