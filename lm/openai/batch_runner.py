#!/usr/bin/env python3
"""Answer files of OpenAI batch requests with a server on this machine.

    python3 answer.py --url http://localhost:8000 requests-00001.jsonl ...

writes the answers to requests-00001.jsonl as results-00001.jsonl beside it, one
line each, as they come. Run again, it asks only what has no good answer yet.
Needs Python 3.8 and nothing else. The API key, if there is one, is taken from
the environment variable OPENAI_API_KEY.
"""
import argparse
import concurrent.futures
import gzip
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request


def post(url, body, timeout):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        request.add_header("Authorization", "Bearer " + key)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def answer(line, options):
    """One line of results. What may pass is tried again."""
    wait = 1.0
    for attempt in range(options.attempts):
        try:
            body = post(options.root + line["url"], line["body"], options.timeout)
            response, error = {"status_code": 200, "request_id": "", "body": body}, None
            break
        except urllib.error.HTTPError as e:
            text = e.read().decode("utf-8", "replace")
            try:
                said = json.loads(text)
            except ValueError:
                said = {"message": text[:1000]}
            response, error = {"status_code": e.code, "request_id": "", "body": said}, None
            if e.code not in (408, 425, 429) and e.code < 500:
                break
        except (OSError, ValueError) as e:
            response, error = None, {"message": str(e)}
        if attempt + 1 < options.attempts:
            time.sleep(wait)
            wait = min(2 * wait, 30)
    return {"id": line["custom_id"], "custom_id": line["custom_id"], "response": response, "error": error}


def answered(path):
    """The ids with a good answer; a line that was broken off by a kill is cut away."""
    done = set()
    if not os.path.exists(path):
        return done
    whole = 0
    with open(path, "rb") as f:
        for line in f:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            try:
                result = json.loads(line)
                if (result.get("response") or {}).get("status_code") == 200:
                    done.add(result["custom_id"])
            except (ValueError, KeyError, AttributeError):
                pass
    with open(path, "r+b") as f:
        f.truncate(whole)
    return done


def requests(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        for line in f:
            if line.strip():
                yield json.loads(line)


def run(path, options):
    name = os.path.basename(path)
    if name.endswith(".gz"):
        name = name[:-3]
    if name.startswith("requests"):
        name = "results" + name[len("requests"):]
    else:
        name = "results-" + name
    out = os.path.join(options.out or os.path.dirname(path), name)
    done = answered(out)
    room = threading.Semaphore(2 * options.in_flight)
    writing = threading.Lock()
    count = {"good": 0, "failed": 0}

    def one(line, file):
        try:
            result = answer(line, options)
            good = (result["response"] or {}).get("status_code") == 200
            with writing:
                file.write(json.dumps(result) + "\n")
                file.flush()
                count["good" if good else "failed"] += 1
        finally:
            room.release()

    with open(out, "a", encoding="utf-8") as file, concurrent.futures.ThreadPoolExecutor(options.in_flight) as pool:
        tasks = []
        for line in requests(path):
            if line["custom_id"] in done:
                continue
            room.acquire()
            tasks = [t for t in tasks if not t.done() or t.result()]
            tasks.append(pool.submit(one, line, file))
        for t in tasks:
            t.result()
    print("%s: %d answered before, %d now, %d failed" % (out, len(done), count["good"], count["failed"]), file=sys.stderr)
    return count["failed"]


def main():
    parser = argparse.ArgumentParser(description="Answer files of OpenAI batch requests with a server on this machine.")
    parser.add_argument("files", nargs="+", metavar="REQUESTS", help="files of requests, .jsonl or .jsonl.gz")
    parser.add_argument("--url", default="http://localhost:8000", help="the server (default %(default)s)")
    parser.add_argument("--out", help="folder for the results (default: that of the requests)")
    parser.add_argument("--in-flight", type=int, default=64, help="requests at a time (default %(default)s)")
    parser.add_argument("--attempts", type=int, default=8, help="tries of a request whose failure may pass (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one request (default %(default)s)")
    options = parser.parse_args()
    options.root = options.url.split("#")[0].rstrip("/")
    if options.root.endswith("/v1"):  # as l2m measure --model takes it; the requests name it themselves
        options.root = options.root[:-3].rstrip("/")
    failed = sum(run(path, options) for path in options.files)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
