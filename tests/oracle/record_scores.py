#!/usr/bin/env python3
"""What BLEU, chrF and the tokenisers of BLEU must say, computed a second time, in Python, from their definitions.

    python3 tests/oracle/record_scores.py                  writes cases/scores.json
    python3 tests/oracle/record_scores.py --check          fails unless that file is what would be written
    python3 tests/oracle/record_scores.py --live 20 build/default/tests/tests_f32      new cases for 20 seconds

Sources: Papineni et al. 2002 (BLEU); NIST's mteval-v13a.pl (the tokeniser 13a, smoothing); Popović 2015 and 2017 (chrF,
chrF++); Post 2018 (sacreBLEU, whose choices decide where the papers leave something open). Nothing but Python is needed.

Before it writes anything the reference must itself agree with the numbers that sacreBLEU publishes: PUBLISHED.
"""

import argparse
import json
import math
import os
import pathlib
import random
import re
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter

CASES = pathlib.Path(__file__).parent / "cases" / "scores.json"


# ---- tokenisers of BLEU: a line in, a list of tokens out

def space_punctuation(text):
    """mteval-v13a's rules for languages of the West, one regular expression after the other."""
    text = re.sub(r"([ !-&(-+/:-@\[-`{-~])", r" \1 ", text)  # always alone
    text = re.sub(r"([^0-9])([.,])", r"\1 \2 ", text)        # . and , unless behind a digit …
    text = re.sub(r"([.,])([^0-9])", r" \1 \2", text)        # … and before one
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text)            # - behind a digit


def split_13a(line):
    for old, new in [("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")]:
        line = line.replace(old, new)
    return space_punctuation(f" {line} ").split()


# The blocks of sacreBLEU's zh. Its two borders beyond U+FFFF are strings of two characters: see text/bleu_tokenizer.cpp.
HAN = [("\u3400", "\u4db5"), ("\u4e00", "\u9fa5"), ("\u9fa6", "\u9fbb"), ("\uf900", "\ufa2d"), ("\ufa30", "\ufa6a"),
       ("\ufa70", "\ufad9"), ("\u2000" "0", "\u2a6d" "6"), ("\u2f80" "0", "\u2fa1" "d"), ("\uff00", "\uffef"),
       ("\u2e80", "\u2eff"), ("\u3000", "\u303f"), ("\u31c0", "\u31ef"), ("\u2f00", "\u2fdf"), ("\u2ff0", "\u2fff"),
       ("\u3100", "\u312f"), ("\u31a0", "\u31bf"), ("\ufe10", "\ufe1f"), ("\ufe30", "\ufe4f"), ("\u2600", "\u26ff"),
       ("\u2700", "\u27bf"), ("\u3200", "\u32ff"), ("\u3300", "\u33ff")]


def split_zh(line):
    spaced = (f" {c} " if any(low <= c <= high for low, high in HAN) else c for c in line.strip())
    return space_punctuation("".join(spaced)).split()


SPLIT = {
    "13a": split_13a,
    "zh": split_zh,
    "char": lambda line: " ".join(line).split(),
    "none": lambda line: line.split(),
}


def tokens_of(line, tokenizer, lowercase=False):
    return SPLIT[tokenizer]((line.lower() if lowercase else line).rstrip())


# ---- scores; `references` has a list of lines for each hypothesis

def ngrams(symbols, n):
    return Counter(tuple(symbols[i:i + n]) for i in range(len(symbols) - n + 1))


def bleu(hypotheses, references, tokenizer="13a", lowercase=False, smoothing="exp"):
    right, all_of = Counter(), Counter()
    c = r = 0
    for line, wanted in zip(hypotheses, references):
        ours = tokens_of(line, tokenizer, lowercase)
        theirs = [tokens_of(reference, tokenizer, lowercase) for reference in wanted]
        c += len(ours)
        r += min((abs(len(reference) - len(ours)), len(reference)) for reference in theirs)[1]
        for n in range(1, 5):
            most = Counter()
            for reference in theirs:
                most |= ngrams(reference, n)
            right[n] += sum((ngrams(ours, n) & most).values())
            all_of[n] += sum(ngrams(ours, n).values())
    if not any(right.values()) or not all_of[4]:
        return 0.0
    product, misses = 1.0, 0
    for n in range(1, 5):
        if right[n]:
            product *= right[n] / all_of[n]
        elif smoothing == "none":
            return 0.0
        else:
            misses += 1
            product *= 0.5 ** misses / all_of[n]
    return 100 * min(1.0, math.exp(1 - r / c)) * product ** 0.25


def words_of_chrf(line):
    for word in line.split():
        if len(word) > 1 and word[-1] in string.punctuation:
            yield from (word[:-1], word[-1])
        elif len(word) > 1 and word[0] in string.punctuation:
            yield from (word[0], word[1:])
        else:
            yield word


def f_score(counts, beta):
    """`counts` has (of the hypothesis, of the reference, of both) for each order."""
    used = [(hypothesis, reference, both) for hypothesis, reference, both in counts if hypothesis and reference]
    if not any(both for _, _, both in used):
        return 0.0
    p = sum(both / hypothesis for hypothesis, _, both in used) / len(used)
    r = sum(both / reference for _, reference, both in used) / len(used)
    return 100 * (1 + beta ** 2) * p * r / (beta ** 2 * p + r)


def chrf(hypotheses, references, characters=6, words=0, beta=2, lowercase=False, whitespace=False):
    def orders(line):
        line = line.lower() if lowercase else line
        letters = line if whitespace else "".join(line.split())
        return ([ngrams(letters, n) for n in range(1, characters + 1)] +
                [ngrams(list(words_of_chrf(line)), n) for n in range(1, words + 1)])

    total = [(0, 0, 0)] * (characters + words)
    for line, wanted in zip(hypotheses, references):
        candidates = []
        for reference in wanted:  # with several, that counts which the sentence is likest to
            candidates.append([(sum(a.values()) if b else 0, sum(b.values()), sum((a & b).values()))
                               for a, b in zip(orders(line), orders(reference))])
        best = max(candidates, key=lambda counts: f_score(counts, beta))
        total = [tuple(map(sum, zip(*pair))) for pair in zip(total, best)]
    return f_score(total, beta)


# ---- numbers that sacreBLEU publishes in its README and tests (github.com/mjpost/sacrebleu, Apache-2.0)

DOG = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
FIRST = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
SECOND = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
BOTH = list(zip(FIRST, SECOND))
SUGAR = (["Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;"],
         [["producţia de zahăr brut se exprimă în zahăr alb;"]])
RISK = (["risk assessment must be made of those who are qualified and expertise in the sector - these are the scientists ."],
        [["risk assessment has to be undertaken by those who are qualified and expert in that area - that is the scientists ."]])
OBAMA = (["Die Beziehung zwischen Obama und Netanjahu ist nicht gerade freundlich."],
         [["Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich."]])
PUBLISHED = [  # what is computed, the number, the digits that are given of it
    (lambda: bleu(DOG, BOTH), 48.530827, 6),
    (lambda: bleu(DOG, BOTH, "none"), 49.1919566, 7),
    (lambda: bleu(DOG, BOTH, smoothing="none"), 48.530827, 6),
    (lambda: bleu(DOG, [[SECOND[0]]] + BOTH[1:]), 29.44, 2),
    (lambda: bleu(["", "", ""], BOTH), 0, 9),
    (lambda: bleu(*SUGAR), 8.493, 3),
    (lambda: bleu(*SUGAR, smoothing="none"), 0, 9),
    (lambda: bleu(*SUGAR, "none"), 7.347, 3),
    (lambda: bleu(*SUGAR, "char"), 40.8759, 3),
    (lambda: bleu(*SUGAR, "char", lowercase=True), 42.0267, 3),
    (lambda: bleu(["this is a cat"], [["okay thanks"]]), 0, 9),
    (lambda: chrf(DOG, BOTH), 59.73, 2),
    (lambda: chrf(*OBAMA, beta=3, whitespace=True), 67.3481606, 7),
    (lambda: chrf(*RISK, beta=3, whitespace=True), 65.2414427, 7),
    (lambda: chrf(["a", "b"], [["a"], ["c"]], beta=3), 50, 9),
    (lambda: chrf(["aa"], [["ab"]], beta=3), 25, 9),
    (lambda: chrf(["a b c"], [["abc"]], beta=3), 100, 9),
    (lambda: chrf([""], [["reference"]], beta=3), 0, 9),
]


def check_published():
    for number, (compute, published, digits) in enumerate(PUBLISHED):
        computed = compute()
        assert abs(computed - published) <= 0.6 * 10 ** -digits, f"published value {number}: {published}, not {computed}"


# ---- cases

BY_HAND = [
    "", " ", "\u3000", ".", ",", "...", "a.", ".a", "1.", ".1", "1.5", "1,000.50", "1.a", "a.1", "1..5", "x,,y", "a.,b", "3.,4",
    "&quot;yes&quot; &amp; &lt;no&gt;", "&amp;lt;", "&amp;quot;", "&apos; &#39;", "<skipped>", "a<skipped>b", "<skip<skipped>ped>",
    "1-2", "a-2", "1-a", "1--2", "-1", "2019-", "-", "--", "well-known", "well-\nknown", "two\nlines", "end-\n", "a-\n-\nb",
    "don't 'quoted' it's", "O'Neill's 3'", "$5.00 (50%)", "a/b/c", "{[()]}", "x^2_y`z~", "e-mail: a.b@c.de", "http://a.b/c?d=1,2",
    "é.", "1é.5", "naïve,œuvre", "«oui», „ja“ – “yes” … —", "1\u00a0000,5", "a\u2009b", "a\u200bb", "zero\u001cfour", "a\u0085b", "a\tb",
    "\u0661.\u0662", "\uff11.\uff12", "５，６。", "我有3.5本书。", "我有3.", ".5我", "中文English混排,好-1-2。", "𠀀𪛖中", "€ ← ∑ ☃ ✂ ㎏ ㈱", "⼀⾮⿰",
    "한국어 문장.", "かなカナ。ｶﾅ", "👍🏽 👩‍👩‍👧", "e\u0301.", "\ufeffa", "a\ufffdb.", "ÄÖÜ ẞ", "ΑΒΓ ДЖЯ ԱԲ Ơ Ư Ạ Ț",
]
PIECES = (list(" " * 12 + ".,-'!?:;()[]{}<>/&%$#@*+=^_`~|\"\\…–—“”„«»。，、！？：；（）《》’·€") + list("0123456789") * 2 +
          ["the", "cat", "sees", "a", "dog", "le", "chien", "été", "Über", "ß", "кот", "Ёж", "λόγοι", "我", "你", "好", "书", "𠀀", "한", "か",
           "&quot;", "&amp;", "&lt;", "&gt;", "<skipped>", "-\n", "\n", "\t", "\u00a0", "\u3000", "\u2009", "\u200b", "\u001f", "1.5", "1,000", "2-3"])
BLEU_SETTINGS = [(tokenizer, lowercase, smoothing)
                 for tokenizer in SPLIT for lowercase in (False, True) for smoothing in ("exp", "none")]
CHRF_SETTINGS = [(6, 0, 2, False, False), (6, 2, 2, False, False), (6, 0, 3, True, True), (3, 1, 1, True, False)]


def drawn_line(draw, longest):
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(0, longest)))


def spoilt(draw, line):
    """A translation that is somewhat wrong."""
    words = line.split(" ")
    for _ in range(draw.choice([0, 0, 1, 1, 2, 4])):
        at = draw.randrange(len(words) + 1)
        what = draw.randrange(4)
        if what == 0:
            words.insert(at, draw.choice(PIECES))
        elif what == 1 and at < len(words):
            del words[at]
        elif what == 2:
            words = words[at:] + words[:at]
        elif at < len(words):
            words[at] = words[at].swapcase()
    return " ".join(words)


def line_case(line):
    return {"line": line, "lower": line.lower(), **{name: tokens_of(line, name) for name in SPLIT}}


def corpus_case(hypotheses, references):
    wanted = [[reference] for reference in references]
    return {
        "hypotheses": hypotheses,
        "references": references,
        "bleu": [{"tokenizer": tokenizer, "lowercase": lowercase, "smoothing": smoothing,
                  "score": bleu(hypotheses, wanted, tokenizer, lowercase, smoothing)}
                 for tokenizer, lowercase, smoothing in BLEU_SETTINGS],
        "chrf": [{"characters": characters, "words": words, "beta": beta, "lowercase": lowercase, "whitespace": whitespace,
                  "score": chrf(hypotheses, wanted, characters, words, beta, lowercase, whitespace)}
                 for characters, words, beta, lowercase, whitespace in CHRF_SETTINGS],
    }


def drawn_corpus(draw):
    references = [drawn_line(draw, draw.choice([2, 12, 40])) for _ in range(draw.randint(1, 6))]
    return corpus_case([spoilt(draw, line) for line in references], references)


def cases(seed, lines, corpora, by_hand=()):
    draw = random.Random(seed)
    return {
        "lines": [line_case(line) for line in by_hand] + [line_case(drawn_line(draw, 24)) for _ in range(lines)],
        "corpora": [corpus_case(hypotheses, [wanted[0] for wanted in references]) for hypotheses, references in
                    ((DOG, BOTH), SUGAR, RISK, OBAMA)[:4 if by_hand else 0]] + [drawn_corpus(draw) for _ in range(corpora)],
    }


def written(these):
    return json.dumps(these, ensure_ascii=True, indent=0, sort_keys=True) + "\n"


def live(seconds, programs):
    seed, end = time.time_ns() // 1_000_000, time.monotonic() + seconds
    print(f"seed {seed}")
    lines = corpora = 0
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "scores.json"
            these = cases(seed, 500, 60)
            path.write_text(written(these))
            for program in programs:
                run = subprocess.run([program, "--test-case=scores: *recorded*", "--no-colors=true"], text=True,
                                     capture_output=True, env={**os.environ, "ATTUNE_SCORE_CASES": str(path)})
                if run.returncode != 0:
                    sys.exit(f"{run.stdout}{run.stderr}\n{program}: these cases have seed {seed}")
        seed, lines, corpora = seed + 1, lines + len(these["lines"]), corpora + len(these["corpora"])
    print(f"measured: scores: {lines} new lines and {corpora} new corpora agree with the reference in Python")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the recorded file instead of writing it")
    parser.add_argument("--live", type=float, metavar="SECONDS", help="draw new cases for the test programs")
    parser.add_argument("programs", nargs="*")
    settings = parser.parse_args()
    check_published()
    if settings.live:
        live(settings.live, settings.programs)
        return
    recorded = written(cases(2002, 120, 36, BY_HAND))
    if settings.check:
        assert CASES.read_text() == recorded, f"{CASES} is not what this script writes"
        print(f"measured: scores: {len(PUBLISHED)} published numbers are met; recorded again, {len(recorded)} bytes are the same")
    else:
        CASES.write_text(recorded)


main()
