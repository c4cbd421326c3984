#!/usr/bin/env python3
"""The report of a training, as people use it: in a real browser, with pointer and keyboard, light and dark, wide and
narrow, on paper, without scripts. The training is made up here, so that every weight on the page is known.

    translator_report_test.py TRANSLATOR [FOLDER FOR SCREENSHOTS]

Ends with status 77 and a line SKIPPED where there is no Chromium.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import chromium  # noqa: E402

EPOCHS = 6  # 0 … 5
LAYERS, HEADS = 2, 2
NASTY = '</script><img src=x onerror="alert(1)"> & <!-- \u2028 {{data}} \u202e'
SENTENCES = [
    {"source": "the black cat .", "reference": "le chat noir .", "rows": ["le", "chat", "noir", "!", ".", "</s>"],
     "columns": ["the", "black", "cat", ".", "</s>"], "looks": [0, 2, 1, 3, 3, 4]},
    {"source": NASTY + " 猫 قطة", "reference": "gut & <b>schön</b>", "rows": ["gut", "&", "<b>", "</s>"],
     "columns": ["</script>", "猫", "قطة", "<img src=x onerror=alert(1)>"], "looks": [0, 1, 2, 3]},
]
failures = 0
checks = 0


def check(name, passed, more=""):
    global failures, checks
    checks += 1
    if not passed:
        failures += 1
        print(f"FAILED: {name}{': ' if more != '' else ''}{more}")


def equal(name, got, wanted):
    check(name, got == wanted, f"{got!r} instead of {wanted!r}")


# ---- a training ------------------------------------------------------------------------------------------------------


def weights(kind, sentence, epoch):
    """(L, H, T, S): layer 2, head 1 of the cross-attention goes from everywhere to the aligned word; the rest stays."""
    columns = sentence["columns"] if kind == "cross-attention" else sentence["rows"]
    out = bytearray()
    for layer in range(LAYERS):
        for head in range(HEADS):
            for row, at in enumerate(sentence["looks"]):
                for column in range(len(columns)):
                    learns = kind == "cross-attention" and (layer, head) == (1, 0)
                    share = epoch / (EPOCHS - 1) if learns else 0
                    weight = share * (column == at) + (1 - share) / len(columns)
                    if kind != "cross-attention":  # each word at the first
                        weight = float(column == 0)
                    out.append(round(255 * weight))
    return base64.b64encode(bytes(out)).decode()


def write_training(folder):
    with open(os.path.join(folder, "training.csv"), "w") as file:
        file.write("epoch,step,seconds,learning_rate,training_loss,validation_loss,validation_perplexity,"
                   "validation_bleu,tokens_per_second,gradient_norm,best\n")
        for epoch in range(1, EPOCHS):
            loss = 6 / epoch
            file.write(f"{epoch},{100 * epoch},{10 * epoch},0.001,{loss},{loss + 0.5},{2.718 ** (loss + 0.5)},"
                       f"{'nan' if epoch == 1 else 7 * epoch},1000,0.5,1\n")
    with open(os.path.join(folder, "steps.csv"), "w") as file:
        file.write("step,epoch,seconds,learning_rate,loss,gradient_norm,target_tokens\n")
        for step in range(1, 501):
            file.write(f"{step},{1 + (step - 1) // 100},{step / 10},{min(step, 100) / 1e5},{600 / (step + 90)},0.7,900\n")
    os.mkdir(os.path.join(folder, "report"))
    for epoch in range(EPOCHS):
        kinds = lambda s: [
            {"name": name, "note": "A note.", "row_axis": "asking", "column_axis": "answering", "rows": s["rows"],
             "columns": s["columns"] if name == "cross-attention" else s["rows"], "layers": LAYERS, "heads": HEADS,
             "weights": weights(name, s, epoch)} for name in ("decoder self-attention", "cross-attention")]
        record = {"epoch": epoch, "facts": [["parameters", "1,234"]], "sentences": [
            {"source": s["source"], "reference": s["reference"], "translation": f"{s['reference']} {epoch // 2}",
             "kinds": kinds(s)} for s in SENTENCES]}
        with open(os.path.join(folder, "report", f"epoch-{epoch:04}.json"), "w") as file:
            json.dump(record, file)


# ---- the page --------------------------------------------------------------------------------------------------------

# Every text that can be seen, against what lies behind it: those with less contrast than WCAG 2.1 (1.4.3) asks for.
CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((p) => p / 255).map((s) => s <= 0.04045 ? s / 12.92 :
    ((s + 0.055) / 1.055) ** 2.4).reduce((sum, p, i) => sum + p * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const found = [];
  let seen = 0;
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (["SCRIPT", "STYLE", "NOSCRIPT", "TITLE", "title", "desc"].includes(e.tagName) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const [one, other] = [parse(e.closest("svg") ? style.fill : style.color), behind(e)].map(luminance).sort((a, b) => b - a);
    ++seen;
    if ((one + 0.05) / (other + 0.05) < 4.5) found.push(e.tagName + "." + e.className + ": " + e.textContent.slice(0, 30));
  }
  return { seen, found };
})()"""


def text(browser, selector):
    return browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


def cells(browser, row):
    return browser.evaluate(f"[...document.querySelectorAll('#matrix tbody tr')[{row}].cells].map((c) => c.textContent)")


def focused(browser):
    return browser.evaluate("(() => { const e = document.activeElement; return e.id || e.name || e.dataset.row && 'word' ||"
                            " e.className || e.getAttribute('href') || e.tagName.toLowerCase(); })()")


def spoken_after_rest(browser):
    time.sleep(0.5)
    return text(browser, "#spoken")


def test_texts(browser):
    equal("the title names the folder", browser.evaluate("document.title"), "Training report: model")
    page = browser.evaluate("document.body.innerText")
    check("the lowest validation loss is told with its epoch", "lowest validation loss, epoch 5\n1.7\n" in page)
    check("the highest BLEU is told with its epoch", "highest validation BLEU, epoch 5\n35\n" in page)
    check("what the model is made of is told", "1,234" in page)
    equal("there is a chart for each measure", browser.evaluate("document.querySelectorAll('svg.chart').length"), 6)
    equal("a sentence that looks like markup is text", browser.evaluate("document.querySelectorAll('img, b').length"), 0)
    check("and is shown as it is", NASTY in browser.evaluate("document.querySelector('#translation-1 h3').textContent"))
    equal("in the list, too", browser.evaluate("document.querySelector('#sentence').options[1].text.startsWith('</script><img')"), True)
    equal("translations that stayed the same are told once", browser.evaluate(
        "[...document.querySelectorAll('#translation-0 tbody th')].map((e) => e.textContent)"),
        ["epochs 0 to 1", "epochs 2 to 3", "epochs 4 to 5"])
    equal("BLEU of an epoch that was not scored is left out of the numbers", browser.evaluate(
        "document.querySelectorAll('#chart-2 tbody tr').length"), 4)


def test_first_sight(browser):
    equal("it begins with the last epoch", text(browser, "#moment-value"), "epoch 5 of 5")
    equal("with the last layer and the mean of its heads", text(browser, "#lens-title"),
          "cross-attention, layer 2, mean of the heads")
    equal("with the translation of that epoch", text(browser, "#translation"), "le chat noir . 2")
    # Half of head 1, which looks at "cat" only, and half of head 2, which looks everywhere.
    equal("the mean of the heads is right", cells(browser, 1), ["chat", "10", "10", "60", "10", "10"])
    equal("there is a picture for each layer and head, and for the mean",
          browser.evaluate("document.querySelectorAll('#heads canvas').length"), LAYERS * (HEADS + 1))
    check("lines join the words", browser.evaluate("document.querySelectorAll('#lines path').length") == 30)


def test_pointer(browser):
    browser.click("#heads input[value='1/0']")
    equal("a click on a picture chooses layer and head", text(browser, "#lens-title"), "cross-attention, layer 2, head 1")
    equal("its weights are shown", cells(browser, 1), ["chat", "", "", "100", "", ""])
    browser.move_to("#askers [data-row='1']")
    equal("a word under the pointer tells what it looks at", text(browser, "#answer"), "chat looks at cat 1.00")
    equal("one line is left", browser.evaluate("document.querySelectorAll('#lines path').length"), 1)
    strongest = browser.evaluate("[...document.querySelectorAll('#answers .word')].map((w) => w.style.backgroundColor)")
    check("only the word that is looked at is dark", strongest[2] != strongest[0] and strongest[0] == strongest[1], strongest)
    browser.move_to("h1")
    equal("it is gone with the pointer", text(browser, "#answer"), "")
    browser.move_to("#matrix tbody tr[data-row='2'] td")
    equal("a row of the table does the same", text(browser, "#answer"), "noir looks at black 1.00")
    browser.click("#askers [data-row='2']")
    browser.move_to("h1")
    browser.evaluate("document.activeElement.blur()")
    equal("a click holds the word", text(browser, "#answer"), "noir looks at black 1.00")
    equal("and says that it is held", browser.evaluate("document.querySelector('#askers [data-row=\"2\"]').ariaPressed"), "true")
    browser.click("#kinds label:first-child")
    equal("a click chooses the kind", text(browser, "#lens-title"), "decoder self-attention, layer 2, head 1")
    equal("whose weights are others", cells(browser, 3), ["!", "100", "", "", "", "", ""])
    browser.click("#kinds label:last-child")
    browser.move_to("#chart-0 svg", right=150)
    check("a curve tells its values under the pointer", "validation 1.7 at step 500" in text(browser, "#chart-0 .readout"),
          text(browser, "#chart-0 .readout"))


def test_keyboard(browser):
    browser.evaluate("document.getElementById('moment').focus()")
    browser.press("Home")
    equal("Home moves the slider to the first epoch", text(browser, "#moment-value"), "epoch 0 of 5")
    equal("the translation is that of the epoch", text(browser, "#translation"), "le chat noir . 0")
    equal("before training it looks everywhere", cells(browser, 1), ["chat", "20", "20", "20", "20", "20"])
    equal("the slider says where it is", browser.evaluate("document.getElementById('moment').ariaValueText"), "epoch 0, step 0")
    browser.press("ArrowRight", 3)
    equal("arrows move it on", text(browser, "#moment-value"), "epoch 3 of 5")
    equal("weights of the epoch are shown", cells(browser, 1), ["chat", "8", "8", "68", "8", "8"])
    equal("it is spoken once the hand is at rest", spoken_after_rest(browser),
          "epoch 3, layer 2, head 1. le chat noir . 1")
    equal("the mark in the curves has moved along",
          browser.evaluate("document.querySelector('#chart-1 .now').hasAttribute('hidden')"), False)
    browser.evaluate("document.querySelector('#askers [data-row=\"0\"]').focus()")
    equal("a word that has the focus tells what it looks at", text(browser, "#answer"),
          "le looks at the 0.68, black 0.08, cat 0.08, . 0.08")
    browser.press("ArrowRight")
    check("arrows go from word to word", text(browser, "#answer").startswith("chat looks at cat 0.68"), text(browser, "#answer"))
    check("and it is spoken", spoken_after_rest(browser).startswith("epoch 3, layer 2, head 1: chat looks at cat 0.68"))
    browser.press("End")
    equal("End goes to the last", browser.evaluate("document.activeElement.textContent"), "</s>")
    equal("one word is a stop of Tab", browser.evaluate("document.querySelectorAll('#askers [tabindex=\"0\"]').length"), 1)
    browser.press("Enter")
    equal("Enter holds it", browser.evaluate("document.activeElement.ariaPressed"), "true")
    browser.press("Enter")
    equal("and lets it go", browser.evaluate("document.activeElement.ariaPressed"), "false")
    browser.evaluate("document.querySelector('#heads :checked').focus()")
    browser.press("ArrowRight")
    equal("arrows go from head to head", text(browser, "#lens-title"), "cross-attention, layer 2, head 2")
    browser.evaluate("document.querySelector('#kinds :checked').focus()")
    browser.press("ArrowLeft")
    equal("and from kind to kind", text(browser, "#lens-title"), "decoder self-attention, layer 2, head 2")
    browser.press("ArrowRight")
    browser.evaluate("document.getElementById('sentence').focus()")
    browser.press("ArrowDown")
    equal("and to the next sentence", text(browser, "#source"), SENTENCES[1]["source"])
    equal("whose words may be anything", browser.evaluate(
        "[...document.querySelectorAll('#answers .word')].map((w) => w.textContent)"), SENTENCES[1]["columns"])
    browser.press("ArrowUp")
    equal("and back", text(browser, "#source"), SENTENCES[0]["source"])


def test_tab_order(browser):
    browser.open(browser.evaluate("location.href"))
    stops = []
    for _ in range(60):
        browser.press("Tab")
        stops.append(focused(browser))
        if stops[-1] == "body" or len(stops) > 3 and stops[-1] == "skip":
            break
    wanted = ["skip", "#curves", "#attention", "#translations"] + 6 * ["summary"] + [
        "sentence", "kind", "play", "moment", "word", "head", "summary", "matrix-frame"] + 2 * ["summary"]
    equal("Tab goes through the controls in the order of reading", stops[:len(wanted)], wanted)
    invisible = browser.evaluate("""[...document.querySelectorAll('#kinds input, #heads input, #askers button, #moment, summary, select, a')].filter((e) => {
        e.focus({focusVisible: true}); const box = e.closest('label') || e;
        const style = getComputedStyle(box);
        return style.outlineStyle !== 'solid' || style.outlineWidth !== '3px'; }).length""")
    equal("what has the focus is outlined", invisible, 0)


def test_screen_reader(browser):
    browser.open(browser.evaluate("location.href"))
    nodes = browser.accessible()
    named = {(role, name) for role, name, _ in nodes}
    for wanted in (("combobox", "Sentence"), ("radio", "cross-attention"), ("button", "Play"), ("slider", "Training time (epoch)"),
                   ("group", "Layer and head"), ("radio", "layer 2, mean of the heads"), ("radio", "layer 1, head 2"),
                   ("group", "asking"), ("button", "chat"), ("rowheader", "chat"), ("columnheader", "cat"), ("main", ""),
                   ("navigation", "On this page"), ("region", "Attention microscope"), ("image", "Loss"), ("heading", "Curves")):
        check(f"a screen reader finds {wanted}", wanted in named)
    for role, name, properties in nodes:
        check(f"a {role} that takes the focus has a name", name or not properties.get("focusable") or role == "RootWebArea")
    check("a live region waits", any(p.get("live") == "polite" for _, _, p in nodes))


def test_contrast(browser, folder):
    for scheme in ("light", "dark"):
        browser.emulate(prefers_color_scheme=scheme)
        browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        browser.click("#askers [data-row='1']")
        browser.click("#heads input[value='1/0']")
        browser.click("#kinds label:last-child")
        for moment in range(EPOCHS):
            browser.evaluate(f"(() => {{ const m = document.getElementById('moment'); m.value = {moment};"
                             " m.dispatchEvent(new Event('input', {bubbles: true})); })()")
            browser.evaluate("document.getAnimations().forEach((a) => a.finish())")
            audit = browser.evaluate(CONTRAST)
            check(f"{scheme}, epoch {moment}: {audit['seen']} texts have a contrast of 4.5 at least",
                  audit["seen"] > 200 and not audit["found"], audit)
        equal(f"{scheme}: a cell of weight 0 has the scheme's colour", browser.evaluate(
            "getComputedStyle(document.querySelector('#matrix tbody tr').cells[2]).backgroundColor"), "rgb(240, 249, 251)"
            if scheme == "light" else "rgb(26, 29, 50)")
        if folder:
            browser.screenshot(os.path.join(folder, f"{scheme}.png"))
    dark = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.emulate(prefers_color_scheme="light")
    check("dark is dark and light is light", dark == "rgb(18, 20, 31)" and
          browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", dark)


def test_play(browser):
    browser.click("#play")
    equal("Play begins with the first epoch when it stands at the last", text(browser, "#moment-value"), "epoch 0 of 5")
    equal("and can be stopped", text(browser, "#play"), "Pause")
    time.sleep(0.75)
    equal("time goes on", text(browser, "#moment-value"), "epoch 1 of 5")
    browser.click("#play")
    time.sleep(0.7)
    equal("a second click stops it", text(browser, "#moment-value"), "epoch 1 of 5")
    browser.emulate(prefers_reduced_motion="reduce")
    equal("who wants less motion gets none in the words", browser.evaluate(
        "getComputedStyle(document.querySelector('.word')).transitionDuration"), "0s")
    browser.emulate()


def test_sizes(browser, folder):
    for width in (320, 400, 800, 1600):
        browser.resize(width, 900)
        equal(f"{width} pixels are wide enough", browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), True)
        if folder:
            browser.screenshot(os.path.join(folder, f"{width}.png"))
    browser.resize(1200, 900)
    browser.emulate(media="print", prefers_color_scheme="dark")
    equal("on paper there are no buttons", browser.evaluate("document.querySelector('#play').getClientRects().length"), 0)
    equal("and the paper is white", browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
    audit = browser.evaluate(CONTRAST)
    check("what is printed can be read", audit["seen"] > 100 and not audit["found"], audit)
    browser.emulate()


def test_without_scripts(browser, address):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(address)
    told = [name for role, name, _ in browser.accessible() if role in ("StaticText", "image", "cell", "heading")]
    check("without scripts the page says what is missing", any("runs no scripts" in name for name in told))
    check("the curves are there", "Loss" in told)
    check("the last translations are there", "le chat noir . 2" in told)
    check("the microscope is not", "Attention microscope" in told and "Play" not in told)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def main():
    if not chromium.find():
        print("SKIPPED: there is no Chromium to look at the report with (Debian: apt install chromium)")
        return 77
    translator = sys.argv[1]
    screenshots = sys.argv[2] if len(sys.argv) > 2 else None
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attune-report-") as scratch:
        folder = os.path.join(scratch, "model")
        os.mkdir(folder)
        write_training(folder)
        subprocess.run([translator, "report", "--model", folder], check=True, stdout=subprocess.DEVNULL)
        address = "file://" + os.path.join(folder, "report.html")
        with chromium.Chromium() as browser:
            browser.resize(1200, 900)
            browser.open(address)
            test_texts(browser)
            test_first_sight(browser)
            test_pointer(browser)
            test_keyboard(browser)
            test_tab_order(browser)
            test_screen_reader(browser)
            test_contrast(browser, screenshots)
            test_play(browser)
            test_sizes(browser, screenshots)
            test_without_scripts(browser, address)
            asked = {e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"}
            equal("nothing was asked of the network or the disk but the page", asked, {address})
            errors = [e for e in browser.events if e["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled",
                                                                   "Log.entryAdded")]
            equal("the console stayed empty", errors, [])
    print(f"{checks} checks, {failures} failed")
    print(f"measured: the report in Chromium: {checks} checks in {time.monotonic() - started:.1f} s")
    return 1 if failures else 0


sys.exit(main())
