#!/usr/bin/env python3
"""The services that hand out credentials (STS, a container's agent, IMDSv2), as test_aws_credentials.c needs them.

Prints its port and serves until its stdin ends.  The first segment of a path says how to behave, and each behaviour
counts its answers: the access key is "AK" + behaviour + number.  GET /count/<behaviour> gives the number alone.
"""
import datetime
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse

SECRET, TOKEN = "se/cr+et", "to=ken"
# With AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, the behaviour "real" hands these out.
REAL = {"AccessKeyId": os.environ.get("AWS_ACCESS_KEY_ID"), "SecretAccessKey": os.environ.get("AWS_SECRET_ACCESS_KEY")}
counts = {}
lock = threading.Lock()


def count(name):
    with lock:
        counts[name] = counts.get(name, 0) + 1
        return counts[name]


def expiration(seconds, fraction=""):
    t = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


LIFE = {"soon": 200, "past": -60, "once": 200}


def as_json(mode, n, extra=None):
    answer = {"AccessKeyId": "AK%s%d" % (mode, n), "SecretAccessKey": SECRET, "Token": TOKEN,
              "Expiration": expiration(LIFE.get(mode, 3600))}
    answer.update(extra or {})
    if mode == "real":
        del answer["Token"]
        answer.update(REAL)
    return json.dumps(answer)


def as_xml(action, mode, n):
    return ('<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%sResult><AssumedRoleUser><Arn>arn:x</Arn>'
            '</AssumedRoleUser><Credentials><AccessKeyId>AK%s%d</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>'
            '<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></%sResult></%sResponse>'
            % (action, action, mode, n, SECRET, TOKEN, expiration(LIFE.get(mode, 3600), ".123"), action, action))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status, body):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def misbehave(self, mode, n):
        """Answers for the modes in which something is wrong; False for the others."""
        if mode == "slow":
            time.sleep(8)
        elif mode == "garbage":
            self.answer(200, b'{"SecretAccessKey": "se/cr+et"\x00<')
        elif mode == "huge":
            self.answer(200, "x" * 1000000)
        elif mode == "flaky" and n == 1:
            self.answer(500, "")
        elif mode == "once" and n > 1:
            self.answer(503, "")
        elif mode == "half":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"AccessKeyId": "AK')
        elif mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "/good/creds")
            self.end_headers()
        else:
            return False
        return True

    def do_GET(self):
        mode, rest = (self.path[1:].split("/", 1) + [""])[:2]
        if mode == "count":
            return self.answer(200, str(counts.get(rest, 0)))
        if rest.startswith("latest/"):
            return self.imds(mode, rest)
        n = count(mode)
        if self.misbehave(mode, n):
            return None
        if mode == "token" and self.headers.get("Authorization") != "Bearer let-me-in":
            return self.answer(403, json.dumps({"code": "AccessDenied", "message": "wrong token"}))
        if mode == "threads":
            time.sleep(0.3)
        return self.answer(200, as_json(mode, n))

    def signed_by(self, access_key, body):
        """Signature version 4, worked out anew."""
        m = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]*)/(\d{8})/([^/]*)/sts/aws4_request, *"
                     r"SignedHeaders=([^,]*), *Signature=([0-9a-f]{64})$", self.headers.get("Authorization", ""))
        if m is None or m.group(1) != access_key:
            return False
        date, region, names = m.group(2), m.group(3), m.group(4)
        lines = "".join("%s:%s\n" % (n, self.headers[n].strip()) for n in names.split(";"))
        canonical = "\n".join(["POST", self.path, "", lines, names, hashlib.sha256(body.encode()).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], "%s/%s/sts/aws4_request" % (date, region),
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + SECRET.encode()
        for part in (date, region, "sts", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return "host" in names.split(";") and key.hex() == m.group(5)

    def imds(self, mode, rest):
        if self.headers.get("X-aws-ec2-metadata-token") != "imds-token":
            return self.answer(401, "")
        if rest == "latest/meta-data/iam/security-credentials/":
            return self.answer(404, "") if mode == "norole" else self.answer(200, "backup-role\n")
        if rest != "latest/meta-data/iam/security-credentials/backup-role":
            return self.answer(404, "")
        n = count(mode)
        if self.misbehave(mode, n):
            return None
        return self.answer(200, as_json(mode, n, {"Code": "AssumeRoleUnauthorizedAccess" if mode == "failed" else "Success"}))

    def do_PUT(self):
        good = self.path.endswith("/latest/api/token") and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if good and not self.path.startswith("/forbidden/") else 403, "imds-token" if good else "")

    def do_POST(self):
        mode = self.path[1:].split("/", 1)[0]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        field = {k: v[0] for k, v in urllib.parse.parse_qs(body).items()}
        n = count(mode)
        if self.misbehave(mode, n):
            return None
        action = field.get("Action")
        if action == "AssumeRole":
            allowed = self.signed_by("AKbase", body)
        else:
            allowed = field.get("WebIdentityToken") == "web/identity+token="
        if not allowed or field.get("RoleArn") != "arn:aws:iam::1:role/backup" or field.get("Version") != "2011-06-15":
            return self.answer(403, '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>'
                                    '<Message>Not authorized &amp; refused</Message></Error></ErrorResponse>')
        mode = field["RoleSessionName"] if mode == "session" else mode
        return self.answer(200, as_xml(action, mode, n))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
