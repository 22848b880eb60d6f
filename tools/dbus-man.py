#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the methods and signals of a D-Bus interface, with their doc comments, as a part of a manual page. I/O.
"""usage: dbus-man.py XML

Each method and signal has a comment right before it, as gdbus-codegen(1) reads them: "Name:", "@argument: text" lines,
an empty line, text. A member without one is an error.
"""
import re
import sys

MEMBER = re.compile(
    r"<!--\s*(?P<name>\w+):\n(?P<doc>(?:(?!-->).)*)-->\s*"
    r"<(?P<kind>method|signal) name=\"(?P<member>\w+)\"(?:/>|>(?P<body>.*?)</(?P=kind)>)", re.S)
ARGUMENT = re.compile(r"<arg name=\"(\w+)\" type=\"([^\"]+)\"(?: direction=\"(\w+)\")?")


def escape(text):
    text = text.replace("\\", "\\e")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def sentences(text):
    """One sentence a line, as mdoc wants it."""
    return escape(re.sub(r"(?<=[a-z0-9)\"]\.)\s+(?=[A-Z])", "\n", text))


def read_doc(doc):
    arguments, paragraphs = {}, []
    for block in re.split(r"\n\s*\n", doc.strip()):
        lines = [line.strip() for line in block.strip().split("\n")]
        if lines[0].startswith("@"):
            for line in lines:
                if line.startswith("@"):
                    name, _, text = line[1:].partition(":")
                    arguments[name] = text.strip()
                else:
                    arguments[name] += " " + line
        elif lines[0]:
            paragraphs.append(" ".join(lines))
    return arguments, paragraphs


def write_member(match, out):
    if match["name"] != match["member"]:
        raise SystemExit(f"the comment on {match['name']} stands before {match['member']}")
    told, paragraphs = read_doc(match["doc"])
    arguments = ARGUMENT.findall(match["body"] or "")
    if {name for name, _, _ in arguments} != set(told):
        raise SystemExit(f"{match['member']}: the comment's arguments are not the arguments")
    shown = {"in": [], "out": []}
    for name, kind, direction in arguments:
        default = "in" if match["kind"] == "method" else "out"
        shown[direction or default].append(f'"{kind} {name}"')
    answer = ", ".join(shown["out"]).replace('"', "") if match["kind"] == "method" else ""
    out.append(" ".join([".It Fn", match["member"], *shown["in" if match["kind"] == "method" else "out"]]))
    if answer:
        out.append(f"Answers {answer}.")
    for i, paragraph in enumerate(paragraphs):
        if i > 0 or answer:
            out.append(".Pp")
        out.append(sentences(paragraph))
    if told:
        out.append(".Bl -tag -width Ds -compact")
        for name, text in told.items():
            out += [f".It Fa {name}", escape(text)]
        out.append(".El")


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    members = list(MEMBER.finditer(text))
    named = re.findall(r"<(?:method|signal) name=\"(\w+)\"", text)
    if [match["member"] for match in members] != named:
        raise SystemExit(f"{path}: something has no doc comment: {named}")
    out = []
    for kind, title in (("method", "METHODS"), ("signal", "SIGNALS")):
        out += [f".Sh {title}", ".Bl -tag -width Ds"]
        for match in members:
            if match["kind"] == kind:
                write_member(match, out)
        out.append(".El")
    print("\n".join(out))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
