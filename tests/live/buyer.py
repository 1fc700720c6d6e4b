#!/usr/bin/env python3
"""A buyer that shares no code with Pylon: asks for one text generation and prints what comes back, a JSON object a line.

    buyer.py --relay ws://127.0.0.1:7777 [--target NPUB_OR_HEX] [--encrypt] [--prompt TEXT] [--model NAME] [--max-tokens N]

Lines, each with `at` (unix seconds) and `ms` (since publishing): "published", then "feedback" (kind 7000) and "result"
(kind 6050) as they arrive, decrypted where needed, and "problem" when an event breaks NIP-90 or gives away what was
encrypted. Ends with the result. Exit code 0: a result and no problem; 1: a problem; 3: no result in time or no relay.

Needs the PyPI package nostr-sdk 0.45.1. The key is fresh for every run.
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import timedelta

from nostr_sdk import Client, EventBuilder, Filter, Keys, Kind, NostrSdkError, PublicKey, RelayUrl, ReqTarget, Tag

REQUEST, RESULT, FEEDBACK = 5050, 6050, 7000


def arguments():
    parser = argparse.ArgumentParser(description="Asks for one text generation over NIP-90.")
    parser.add_argument("--relay", required=True, help="websocket address")
    parser.add_argument("--target", help="the provider's npub or hex key; without it any provider may answer")
    parser.add_argument("--encrypt", action="store_true", help="NIP-44, for the target alone")
    parser.add_argument("--prompt", default="Name three colours of the night sky.")
    parser.add_argument("--model")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--timeout", type=float, default=120, help="seconds until giving up")
    args = parser.parse_args()
    if args.encrypt and not args.target:
        parser.error("--encrypt needs --target: an open request has no key to encrypt to")
    return args


class Report:
    """Prints the lines and remembers whether anything was wrong."""

    def __init__(self):
        self.published = time.monotonic()
        self.problems = 0

    def line(self, what, **fields):
        elapsed = round((time.monotonic() - self.published) * 1000)
        print(json.dumps({"what": what, "at": round(time.time(), 3), "ms": elapsed, **fields}, ensure_ascii=False), flush=True)

    def problem(self, sentence, event):
        self.problems += 1
        self.line("problem", sentence=sentence, event=json.loads(event.as_json()))


def request(keys, args, provider):
    """The signed request, plain or with its inputs and parameters inside the ciphertext."""
    asked = [["i", args.prompt, "text"], ["output", "text/plain"], ["param", "max_tokens", str(args.max_tokens)]]
    if args.model:
        asked.append(["param", "model", args.model])
    clear, content = asked, ""
    if args.encrypt:
        clear, content = [["encrypted"]], keys.nip44_encrypt(provider, json.dumps(asked))
    if provider:
        clear = clear + [["p", provider.to_hex()]]
    return EventBuilder(Kind(REQUEST), content).tags([Tag.parse(tag) for tag in clear]).finalize(keys)


def read(event, keys, args, report):
    """An event's tags and text, decrypted, with what is wrong with it reported."""
    tags = [tag.to_vec() for tag in event.tags()]
    names = {tag[0] for tag in tags}
    text = event.content()
    if not event.verify():
        report.problem("the signature is not valid", event)
    if not any(tag[:2] == ["p", keys.public_key().to_hex()] for tag in tags):
        report.problem("no p tag names the buyer", event)
    if not args.encrypt:
        if "encrypted" in names:
            report.problem("a plain request was answered encrypted", event)
        return tags, text
    if "i" in names or "request" in names and args.prompt in json.dumps(tags, ensure_ascii=False):
        report.problem("the prompt stands in clear beside an encrypted answer", event)
    if event.kind().as_u16() == RESULT and "encrypted" not in names:
        report.problem("an encrypted request was answered without the encrypted tag", event)
    if text:
        try:
            text = keys.nip44_decrypt(event.author(), text)
        except NostrSdkError as error:
            report.problem(f"the content does not decrypt: {error}", event)
            return tags, text
        # Some providers hide feedback's tags inside, as requests do.
        if event.kind().as_u16() == FEEDBACK and text.startswith("[["):
            inner = json.loads(text)
            tags, text = tags + inner, next((tag[1] for tag in inner if tag[0] == "content"), "")
    return tags, text


async def listen(stream, client, asked, keys, args, provider, report):
    """Prints answers to this request until the result."""
    while notification := await stream.next():
        if not notification.is_new_event():
            if notification.is_shutdown():
                return
            continue
        event = notification.event
        first = {tag.to_vec()[0]: tag.to_vec() for tag in reversed(event.tags())}
        if first.get("e", ["e", ""])[1] != asked.id().to_hex():
            report.problem("it came for the buyer and its e tag names another request", event)
            continue
        if provider and event.author().to_hex() != provider.to_hex():
            report.problem("somebody other than the target answered", event)
            continue
        tags, text = read(event, keys, args, report)
        first = {tag[0]: tag for tag in reversed(tags)}
        common = {"id": event.id().to_hex(), "author": event.author().to_hex(), "tags": tags, "text": text}
        if event.kind().as_u16() == RESULT:
            report.line("result", **common)
            return
        report.line("feedback", status=first.get("status", ["status", None])[1], **common)


async def main():
    args = arguments()
    provider = PublicKey.parse(args.target) if args.target else None
    keys, report, client = Keys.generate(), Report(), Client()
    await client.add_relay(RelayUrl.parse(args.relay))
    connected = await client.try_connect(timedelta(seconds=10))
    if not connected.success:
        print(f"buyer: {args.relay} does not answer.", file=sys.stderr)
        return 3

    asked = request(keys, args, provider)
    kinds = [Kind(RESULT), Kind(FEEDBACK)]
    filters = [Filter().kinds(kinds).event(asked.id()), Filter().kinds(kinds).pubkey(keys.public_key())]
    stream = client.notifications()
    await client.subscribe(ReqTarget.auto(filters))
    report.published = time.monotonic()
    sent = await client.send_event(asked)
    if not sent.success:
        print(f"buyer: the relay refused the request: {list(sent.failed.values())}.", file=sys.stderr)
        return 3
    report.line("published", id=asked.id().to_hex(), buyer=keys.public_key().to_hex(), target=args.target, encrypted=args.encrypt)
    try:
        await asyncio.wait_for(listen(stream, client, asked, keys, args, provider, report), args.timeout)
    except asyncio.TimeoutError:
        print(f"buyer: no result within {args.timeout:g} s.", file=sys.stderr)
        return 3
    finally:
        await client.shutdown()
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
