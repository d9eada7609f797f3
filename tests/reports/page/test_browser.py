"""What a reader does with the page, in a browser; a test fails when its listener is gone."""

import re
import shutil

import pytest

from harness.reports.page import content, render
from tests.shipped import NAME, STEPS

HOSTILE = """<script>alert("1")</script> 'x' & </td>"""
TABLE = f"[id='table-mine_{NAME}']"


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


def column(page, number):
    return [text.strip() for text in texts(page, f"{TABLE} tbody tr > :nth-child({number})")]


def test_hover_tells_source_and_budget(opened):
    page = opened()
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator(".point[data-label=MSRN]").hover()
    assert texts(page, "#tip p") == [
        "MSRN (published)",
        "38.08 dB / 0.9607 on Set5 x2",
        "Multi-Adds (G): 1,365.41; Parameters (K): 5,930",
        "Budget: as published; trained on: not known",
        "Source: published/table5.csv",
    ]
    page.mouse.move(1, 1)
    assert tip.is_hidden()


def test_focus_tells_the_same_and_keys_go_from_point_to_point(opened):
    page = opened()
    page.locator("[data-kind]").last.focus()
    page.keyboard.press("Tab")
    first = page.locator(".point:focus")
    told = texts(page, "#tip p")
    assert ". ".join(told) == first.get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    assert texts(page, "#tip p") != told
    page.keyboard.press("ArrowLeft")
    assert texts(page, "#tip p") == told
    page.keyboard.press("Tab")
    assert page.locator("#tip").is_hidden()
    assert page.locator(".point:focus").count() == 0  # the plot is one stop


def test_enter_opens_the_record_of_a_point(opened):
    page = opened()
    page.locator(".point.own[data-label=plain]").focus()
    page.keyboard.press("Enter")
    assert "wdsr_basic-x2-s0-" in page.locator("#record h2").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#record").is_hidden()


def test_short_budgets_are_hollow_and_kinds_are_told_apart(opened):
    page = opened()
    path = (
        "(point) => [point.firstChild.getAttribute('d'), getComputedStyle(point.firstChild).fill]"
    )
    own, published, rescored = (
        page.locator(f".point.{kind}").first.evaluate(path)
        for kind in ("own", "published", "re-scored")
    )
    assert own[1] == "rgb(255, 255, 255)"
    assert len({own[0], published[0], rescored[0]}) == 3
    assert len({own[1], published[1], rescored[1]}) == 3


def test_the_plot_is_of_what_is_chosen(opened):
    page = opened()
    assert page.locator(".point.own").count() == 3
    page.locator("[data-kind=own]").uncheck()
    assert page.locator(".point.own").count() == 0
    before = page.locator(".point[data-label=CARN]").first.get_attribute("transform")
    page.select_option("#plot-axis", "Parameters (K)")
    assert page.locator(".point[data-label=CARN]").first.get_attribute("transform") != before
    page.select_option("#plot-scale", "4")
    assert "on Set5 x4" in page.locator(".point").first.get_attribute("aria-label")
    page.select_option("#plot-set", "Urban100")
    assert "on Urban100 x4" in page.locator(".point").first.get_attribute("aria-label")


def test_a_table_is_sorted_by_its_heads(opened):
    page = opened()
    heads = [text.strip() for text in texts(page, f"{TABLE} thead th")]
    number = next(n for n, head in enumerate(heads, start=1) if head.startswith("Params"))
    button = page.locator(f"{TABLE} thead th:nth-child({number}) button")

    def numbers():
        return [int(text.replace(",", "")) for text in column(page, number)]

    before = numbers()
    button.click()
    assert numbers() == sorted(before) != before
    assert button.locator("..").get_attribute("aria-sort") == "ascending"
    button.focus()
    page.keyboard.press("Enter")
    assert numbers() == sorted(before, reverse=True)
    assert page.locator(f"{TABLE} [aria-sort]").count() == 1


def test_gaps_are_last_in_both_directions(opened):
    page = opened()
    heads = [text.strip() for text in texts(page, f"{TABLE} thead th")]
    number = next(n for n, head in enumerate(heads, start=1) if head.startswith("SD over"))
    for order in (False, True):
        page.locator(f"{TABLE} thead th:nth-child({number}) button").click()
        *numbers, gap = column(page, number)
        assert gap == ""
        assert numbers == sorted(numbers, key=float, reverse=order)


def test_a_table_is_filtered(opened, results):
    page = opened()
    trained = len(list((results / "results" / "runs").glob("wdsr_awru-*")))
    field = page.locator("[data-table=records-table]")
    field.fill("wdsr_AWRU")
    rows = page.locator("#records-table tbody tr:visible")
    assert rows.count() == trained > 1
    assert page.locator("[data-count=records-table]").inner_text().startswith(f"{trained} of ")
    field.fill("wdsr_awru s1")
    assert rows.count() == 1
    field.fill("")
    assert rows.count() == page.locator("#records-table tbody tr").count()


def test_the_slider_moves_where_two_images_meet(opened):
    page = opened()
    edge = "(stack) => stack.querySelector('.edge').offsetLeft / stack.offsetWidth"
    stack = page.locator(".stack")
    assert stack.evaluate(edge) == pytest.approx(0.5, abs=0.02)
    page.locator(".compare input").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert stack.evaluate(edge) == pytest.approx(0.7, abs=0.02)
    clip = "(image) => getComputedStyle(image).clipPath"
    assert page.locator(".stack .right").evaluate(clip) == "inset(0px 0px 0px 70%)"


def test_which_images_meet_is_chosen(opened):
    page = opened()
    assert page.locator(".stack img:visible").count() == 2
    page.select_option("[data-side=Left]", "0")
    assert page.locator(".stack .left").get_attribute("alt").endswith(", HR")
    page.select_option("[data-side=Right]", "1")
    assert page.locator(".stack .right").get_attribute("alt").endswith(", Bicubic")


def test_a_link_opens_the_record_with_the_scores_of_its_images(opened, mine):
    page = opened()
    link = page.locator(f"{TABLE} tbody tr:last-child td a").nth(1)
    link.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    link.click()
    record = next(one for one in mine.records if one.model == "wdsr_awru" and one.seed == 1)
    dialog = page.locator("#record")
    assert dialog.locator("h2").inner_text() == f"{record.row or HOSTILE}: {record.id}"
    command = dialog.locator("pre").inner_text()
    assert command.startswith(f"git checkout {record.provenance.commit}\nharness run ablation=")
    score = record.score("Set5")
    rows = dialog.locator("details").first.locator("tbody tr").all_inner_texts()
    assert [row.split() for row in rows] == [
        [image.name, f"{image.psnr_db:.2f}", f"{image.ssim:.4f}"] for image in score.images
    ]
    assert page.evaluate("location.hash") == f"#record-{record.id}"
    dialog.get_by_role("button", name="Close").click()
    assert dialog.is_hidden()
    page.wait_for_function("location.hash === ''")  # the event of closing comes a moment later
    assert page.evaluate("scrollY") == before  # not at the row of the record


def test_an_address_opens_its_record(opened, mine):
    record = next(one for one in mine.records if one.seed == 2)
    page = opened(anchor=f"#record-{record.id}")
    assert record.id in page.locator("#record h2").inner_text()
    page.keyboard.press("Escape")
    other = next(one for one in mine.records if one.seed == 1)
    page.evaluate(f"location.hash = '#record-{other.id}'")
    page.locator("#record h2", has_text=other.id).wait_for()


def test_curves_are_drawn_over_steps_and_over_time(opened):
    page = opened()
    figure = page.locator(".curves", has=page.locator(f"[data-curves*='{STEPS}']"))
    assert figure.locator("path.line:not(.legend path)").count() == 3
    assert "steps" in figure.locator("svg[role=img]").first.inner_html()
    figure.locator("select").select_option("seconds")
    assert "time (s)" in figure.locator("svg[role=img]").first.inner_html()


def test_a_hostile_label_is_shown_as_it_is(opened):
    page = opened()
    shown = column(page, 1)
    assert shown[-1] == " ".join(HOSTILE.split())
    label = page.locator(".point.own").evaluate_all("(all) => all.map((one) => one.dataset.label)")
    assert HOSTILE in label
    page.locator(".point.own").nth(label.index(HOSTILE)).focus()
    assert texts(page, "#tip p")[0] == f"{HOSTILE} (own, short budget)"


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(opened, width):
    page = opened(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    letters = "(svg) => 12 * svg.clientWidth / svg.viewBox.baseVal.width"
    for chart in page.locator(".chart svg[viewBox^='0 0']:visible").all():
        assert chart.evaluate(letters) >= 11 or chart.evaluate("(svg) => svg.clientWidth") < 40


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(opened, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(color_scheme=scheme, bypass_csp=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (scheme == "light")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found = axe.run(page).response["violations"]
    page.locator(f"{TABLE} tbody tr:last-child td a").first.click()
    found += axe.run(page).response["violations"]
    grave = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_on_paper_everything_is_open_and_nothing_is_a_control(opened):
    page = opened()
    assert page.locator("details[open]").count() == 0
    chart = page.locator("#pareto svg")
    before = chart.get_attribute("viewBox")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert chart.get_attribute("viewBox") == "0 0 640 440"
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".controls:visible, nav:visible, input:visible").count() == 0
    assert page.locator(".stack img:visible").count() == 3
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert chart.get_attribute("viewBox") == before != "0 0 640 440"
    assert page.locator("details[open]").count() == 0


def test_a_bundle_works_from_its_folder(opened, mine, details, tmp_path):
    render.bundle(mine, details, tmp_path)
    page = opened(tmp_path / "index.html")
    assert page.locator(".point").count() > 20
    assert page.locator(".stack img").first.evaluate("(image) => image.naturalWidth") == 64
    assert page.evaluate("getComputedStyle(document.querySelector('.stack')).overflow") == "hidden"


@pytest.mark.slow
def test_the_page_of_this_repository_opens_in_a_second(opened, tmp_path, request):
    root = request.config.rootpath
    file = render.one_file(content.of([], root), (), tmp_path / "report.html")
    page = opened(file)
    spent = page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    assert spent < 5000  # a second on an idle machine; other processes may run here
    folded = page.locator("#table-table5_rescored")
    assert folded.is_hidden()
    page.get_by_role("link", name="Table 5 under one protocol").click()
    assert folded.is_visible()
    page.locator("[data-table=table-table5_rescored]").fill("CARN Set14")
    rows = page.locator("#table-table5_rescored tbody tr:visible").all_inner_texts()
    assert rows
    assert all(re.search(r"Set14.*CARN", row, flags=re.DOTALL) for row in rows)
    page.get_by_role("link", name="Today's networks").click()
    page.locator("[data-table=table-modern]").fill("SMFANet DF2K")
    names = page.locator("#table-modern tbody tr:visible th").all_inner_texts()
    assert names == ["SMFANet", "SMFANet+"]
    shutil.rmtree(tmp_path)
