"""What the scripts that measure a chain have in common: their arguments, the order of parts, what is published.

A script names its parts, and how the page shows the rows of each; all else is here."""

import argparse
import sys
import time

import consensus_runs as runs
import figures as published


def parsed(about, parts):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help=f"parts, of {', '.join(parts)}")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def chosen(options, parts):
    names = options.only.split(",") if options.only else list(parts)
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    return names


def begin(name, options, is_published):
    """What is known before anything is measured: of what is published, all that was so before."""
    if runs.BINARY is None:
        published.build()
    elif options.publish:
        sys.exit("--publish: figures are those of the release build, not of ANTHILL")
    options.known = runs.protocols()
    raw = {**published.origin(), "commits": {}, "found": {}}
    if is_published and (published.RESULTS / f"{name}.json").exists():
        before = published.read(name)
        raw["found"], raw["commits"] = before["found"], before["commits"]
    return raw


def publish(name, raw, page, plots):
    published.publish(name, raw, page)
    for file, content in plots(published.read(name)):
        published.write(published.RESULTS / file, content)


def check(name, page, plots):
    if (published.RESULTS / f"{name}.json").exists():
        for file, content in plots(published.read(name)):
            path = published.RESULTS / file
            published.compare(path, path.read_text() if path.exists() else "", content, 1, f"results/{name}.json")
    published.check(name, page)


def main(name, about, parts, page, plots=lambda raw: ()):
    """`parts`: name → function of the options that gives rows, what times something last; `page`: of all that
    is in results/NAME.json, as are `plots`, pairs of a file there and what it holds."""
    options = parsed(about, parts)
    if options.check:
        check(name, page, plots)
    names = chosen(options, parts)
    is_published = (options.publish or (not options.only and runs.BINARY is None)) and not options.quick
    raw = begin(name, options, is_published)
    for part in names:
        begun = time.monotonic()
        raw["found"][part] = parts[part](options)
        raw["commits"][part] = raw["commit"]
        print(f"{part}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        if is_published:
            # What is measured stays, whatever becomes of the rest.
            publish(name, raw, page, plots)
    print(page(raw))
    if bad := [row for part in names for row in raw["found"][part] if runs.is_wrong(row)]:
        sys.exit(f"{len(bad)} rows failed or disagree with theory")
