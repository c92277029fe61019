"""A completions server on Transformers, about as short as people write them: prompts of
token ids, echoed with their log-probabilities.

    python3 transformers_server.py FOLDER PORT [NAME]
"""
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from transformers import AutoModelForCausalLM

folder, port = sys.argv[1], int(sys.argv[2])
name = sys.argv[3] if len(sys.argv) > 3 else folder
model, one = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path.endswith("/models")
        self.reply(200 if known else 404, {"object": "list", "data": [{"id": name, "object": "model"}]} if known else {})

    def do_POST(self):
        ids = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("prompt")
        if not self.path.endswith("/completions") or not isinstance(ids, list):
            return self.reply(404, {"error": "completions of token ids only"})
        with one, torch.no_grad():
            p = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        after = int(p[-1].argmax())
        scores = [None] + [float(p[i, t]) for i, t in enumerate(ids[1:] + [after])]
        self.reply(200, {"model": name, "choices": [{"index": 0, "text": "", "logprobs": {
            "tokens": [str(t) for t in ids + [after]], "token_logprobs": scores}}], "usage": {"prompt_tokens": len(ids), "completion_tokens": 1}})

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
