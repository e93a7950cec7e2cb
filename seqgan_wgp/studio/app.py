"""The page of the studio: its tabs, controls and what they call. Everything else in this folder knows no Gradio."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from html import escape
from typing import Any, ParamSpec, TypeVar

from ..config import recipe, recipe_names
from ..config.kinds import DATA_KINDS
from ..errors import SeqganError
from ..registry import VALIDATORS
from ..utils.installed import check_installed
from . import pages
from .comparison import MAX_MODELS
from .contributions import MAX_STRINGS as MAX_SCORED
from .generation import MAX_STRINGS, Wish
from .studio import UPLOAD_MEGABYTES, WALK_POINTS, Studio
from .training import Job

P = ParamSpec("P")
R = TypeVar("R")

TICK_SECONDS = 1.5


def load_gradio() -> Any:
    """Return the module gradio, told not to report its use. Raises ConfigError when it is not installed."""
    check_installed("the studio", "gradio", extra="studio")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    return importlib.import_module("gradio")


def build_page(studio: Studio) -> Any:
    """Return the Gradio application. Raises ConfigError when Gradio is not installed."""
    gr = load_gradio()

    def shown(function: Callable[P, R]) -> Callable[P, R]:
        """Show an error that a visitor can cause as a message."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except SeqganError as error:
                raise gr.Error(
                    escape("; ".join(filter(None, (error.message, error.remedy)))), title="Not possible"
                ) from None

        return call

    with gr.Blocks(title="seqgan_wgp studio", analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        gr.Markdown("# seqgan_wgp studio")
        model = gr.Dropdown(list(studio.catalogue.models()), label="Model", elem_id="model", interactive=True)
        if studio.queue is not None:
            with gr.Tab("Train"):
                _train_tab(gr, studio, shown, model)
        with gr.Tab("Generate"):
            _generate_tab(gr, studio, shown, model)
        with gr.Tab("Walk"):
            _walk_tab(gr, studio, shown, model)
        with gr.Tab("Score"):
            _score_tab(gr, studio, shown, model)
        # A Space whose corpus is elsewhere has nothing of its own to compare.
        if studio.queue is not None or studio.catalogue.has_comparable():
            with gr.Tab("Compare") as tab:
                _compare_tab(gr, studio, shown, tab)
        page.load(
            lambda: gr.Dropdown(choices=(names := list(studio.catalogue.models())), value=next(iter(names), None)),
            None,
            model,
        )
    return page.queue(default_concurrency_limit=4, max_size=100)


def _train_tab(gr: Any, studio: Studio, shown: Callable[..., Any], model: Any) -> None:
    job = gr.State(None)
    with gr.Row():
        corpora = list(studio.catalogue.corpora())
        corpus = gr.Dropdown(
            corpora, value=corpora[0], label="Corpus", elem_id="corpus", interactive=True, min_width=300
        )
        label = f"or a file of your own, up to {UPLOAD_MEGABYTES} MB"
        upload = gr.File(label=label, height=150, min_width=300, elem_id="upload")
    inspect_button = gr.Button("Inspect", elem_id="inspect")
    verdict = gr.HTML(elem_id="verdict")
    with gr.Row():
        recipes = [name for name in recipe_names() if DATA_KINDS[recipe(name).domain].is_discrete]
        chosen = gr.Dropdown(recipes, value="fast", label="Recipe", interactive=True)
        minutes = gr.Number(3, label="Minutes", minimum=0.1, elem_id="minutes")
        steps = gr.Number(0, label="Rounds, instead of minutes", precision=0, minimum=0, elem_id="rounds")
        seed = gr.Number(1, label="Seed", precision=0, minimum=0)
    with gr.Accordion("More settings", open=False):
        settings = gr.Textbox(label="One per line, as for --set", placeholder="generator.width=128", lines=3)
    with gr.Row():
        start = gr.Button("Train", variant="primary", elem_id="train")
        pause = gr.Button("Pause", elem_id="pause")
        resume = gr.Button("Resume the chosen model", elem_id="resume")
        record = gr.Button("Show its records", elem_id="record")
    status = gr.HTML(elem_id="status")
    samples = gr.HTML(label="Samples", elem_id="samples")
    curve = gr.HTML(elem_id="curve")
    health = gr.HTML(elem_id="health")
    timer = gr.Timer(TICK_SECONDS, active=False)
    views = [status, samples, curve, health, timer, model]

    def watch(watched: Job | None) -> list[Any]:
        view, ended = studio.watched(watched)
        names = list(studio.catalogue.models())
        chosen_model = gr.skip()
        if ended and watched is not None and watched.run.name in names:
            chosen_model = gr.Dropdown(choices=names, value=watched.run.name)
        return [*view, gr.Timer(active=not ended), chosen_model]

    def begin(*asked: Any) -> list[Any]:
        begun = studio.started(*asked)
        return [begun, *watch(begun)]

    def again(name: str | None, until: float) -> list[Any]:
        begun = studio.resumed(name, until)
        return [begun, *watch(begun)]

    inspect_button.click(shown(studio.inspected), [corpus, upload], verdict)
    start.click(shown(begin), [corpus, upload, chosen, minutes, steps, seed, settings], [job, *views])
    resume.click(shown(again), [model, minutes], [job, *views])
    record.click(shown(lambda name: list(studio.recorded(name))), model, views[:4])
    pause.click(shown(studio.paused), job, None)
    timer.tick(shown(watch), job, views, show_progress="hidden")


def _generate_tab(gr: Any, studio: Studio, shown: Callable[..., Any], model: Any) -> None:
    with gr.Row():
        n = gr.Number(20, label="Strings", precision=0, minimum=1, maximum=MAX_STRINGS)
        seed = gr.Number(0, label="Seed", precision=0, minimum=0)
        decode = gr.Dropdown(["auto", "argmax", "sample", "fusion"], value="auto", label="Decoding", interactive=True)
        temperature = gr.Slider(0.1, 2, 1, label="Temperature, where characters are drawn")
    with gr.Row():
        prefix, suffix, contains = (gr.Textbox(label=label) for label in ("Begins with", "Ends with", "Contains"))
        length = gr.Textbox(label="Length", placeholder="5, 3-8, 3- or -8")
    with gr.Row():
        mask = gr.Textbox(label="Mask", placeholder="?l?l?l?d  (?u, ?s, ?a, ?1 to ?4)", elem_id="mask")
        regex = gr.Textbox(label="Regular expression", placeholder="(a|b)[a-z]{3,5}n")
        charset = gr.Textbox(label="Only these characters", placeholder="abc?d")
    with gr.Accordion("Own sets of the mask", open=False), gr.Row():
        sets = [gr.Textbox(label=f"?{k}") for k in range(1, 5)]
    with gr.Row():
        with gr.Column(min_width=240):
            unique = gr.Checkbox(label="No repetitions")
            refine = gr.Checkbox(label="Only what the refiner accepts")
        valid = gr.Dropdown(["", *VALIDATORS], value="", label="Valid as", interactive=True)
        not_in = gr.Dropdown(["", *studio.catalogue.corpora()], value="", label="Not in the corpus", interactive=True)
    make = gr.Button("Generate", variant="primary", elem_id="generate")
    summary = gr.HTML(elem_id="summary")
    strings = gr.HTML(elem_id="strings")
    download = gr.DownloadButton("Download", visible=False)

    def generate(request: Any, name: str | None, *asked: Any) -> list[Any]:
        names = ("n", "seed", "decode", "temperature", "prefix", "suffix", "contains", "length", "mask", "regex")
        values = dict(zip((*names, "charset", "unique", "refine", "valid", "not_in"), asked[:15], strict=True))
        values = {key: "" if value is None else value for key, value in values.items()}  # of a field left empty
        values |= {"n": int(values["n"] or 0), "seed": int(values["seed"] or 0)}
        values["not_in"] = studio.catalogue.corpora().get(values["not_in"], "")
        wish = Wish(**values, sets=tuple(text or "" for text in asked[15:]))
        line, found, file = studio.generated(name, wish, str(request.session_hash))
        return [line, found, gr.DownloadButton(value=file, visible=True)]

    generate.__annotations__ = {"request": gr.Request}
    controls = [n, seed, decode, temperature, prefix, suffix, contains, length, mask, regex, charset]
    controls += [unique, refine, valid, not_in, *sets]
    make.click(shown(generate), [model, *controls], [summary, strings, download], concurrency_id="model")


def _walk_tab(gr: Any, studio: Studio, shown: Callable[..., Any], model: Any) -> None:
    found = gr.State([])
    with gr.Row():
        kind = gr.Radio(["seeds", "texts"], value="seeds", label="Between two")
        start = gr.Textbox("3", label="From")
        end = gr.Textbox("8", label="To")
    make = gr.Button("Walk", variant="primary", elem_id="walk")
    place = gr.Slider(0, WALK_POINTS - 1, 0, step=1, label="Place on the way", elem_id="place", interactive=True)
    now = gr.HTML(elem_id="now")

    def at(strings: list[str], k: float) -> str:
        if not strings:
            return ""
        here = f"<div class='sg-now'>{escape(strings[int(k)])}</div>"
        return here + pages.strings_html(strings, marked=int(k))

    def walk(name: str | None, between: str, first: str, last: str, k: float) -> list[Any]:
        strings = studio.walked(name, first, last, by_text=between == "texts")
        return [strings, at(strings, k)]

    make.click(shown(walk), [model, kind, start, end, place], [found, now], concurrency_id="model")
    place.input(at, [found, place], now, show_progress="hidden")


def _score_tab(gr: Any, studio: Studio, shown: Callable[..., Any], model: Any) -> None:
    text = gr.Textbox(label=f"Strings, one per line, up to {MAX_SCORED}", lines=4, elem_id="typed")
    make = gr.Button("Score", variant="primary", elem_id="score")
    gr.HTML(
        "<p class='sg-note'>A character is green where it raises the score of its string, and red where it lowers it. "
        "What it adds is the critic's score of the string, minus the score with this character blurred; for models of "
        "the recipe causal, its log probability. A score is not a probability: it ranks strings for one model.</p>"
    )
    shown_scores = gr.HTML(elem_id="scores")
    make.click(shown(studio.scored), [model, text], shown_scores, concurrency_id="model")


def _compare_tab(gr: Any, studio: Studio, shown: Callable[..., Any], tab: Any) -> None:
    names = gr.CheckboxGroup(
        [],
        label=f"Models, up to {MAX_MODELS}",
        info="Those whose corpus is at hand: runs, and models of bundled corpora.",
        elem_id="compared",
    )
    autoregressive = gr.Checkbox(
        True,
        label="With an autoregressive model of the same corpus",
        info="It trains for about half a minute the first time, and is then kept.",
        elem_id="autoregressive",
    )
    make = gr.Button("Compare", variant="primary", elem_id="compare")
    side = gr.HTML(elem_id="side")

    # Gradio gives its bar to the parameter that has one as its default.
    def compare(chosen: list[str], baseline: bool, progress: Any = gr.Progress()) -> str:  # noqa: B008
        return studio.compared(chosen, autoregressive=baseline, on_step=lambda what, share: progress(share, desc=what))

    tab.select(lambda: gr.CheckboxGroup(choices=studio.catalogue.comparable()), None, names, show_progress="hidden")
    make.click(shown(compare), [names, autoregressive], side, concurrency_id="model")
