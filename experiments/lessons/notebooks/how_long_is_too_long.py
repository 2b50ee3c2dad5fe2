"""Lesson 3: what it changes if reads are deleted after some days."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="How long is too long?", css_file="../lesson.css")


@app.cell(hide_code=True)
def _():
    import marimo as mo
    import polars as pl

    import platetrail as pt
    from experiments.figures.study import ladder_curve, plot_ladder
    from experiments.lessons import HERE, page, pictures

    return HERE, ladder_curve, mo, page, pictures, pl, plot_ladder, pt


@app.cell(hide_code=True)
def _(page):
    page.opening(
        "how-long-is-too-long",
        "You will see what deleting reads after some days does against somebody who looks once, and what it does "
        "against somebody who looks again and again and takes notes. Then you can say what a rule about deleting "
        "protects from, and what not.",
    )
    return


@app.cell(hide_code=True)
def _(HERE, pl, pt):
    # Three towns; all rules look at the same reads, so that the difference is the rule's alone.
    study = pt.study(HERE / "retention.toml", quiet=True)
    kept = list(study.spec.factors[0].labels())
    _homes = study.results.filter((pl.col("target") == "home") & (pl.col("day") == pl.col("day").max()))
    once = _homes.filter((pl.col("measure") == "right-at-day") & (pl.col("criterion") == "within-250m"))
    noted = _homes.filter((pl.col("measure") == "known-by-day") & (pl.col("criterion") == "known-and-right"))
    drivers, towns, last_day = once["n_drivers"].max(), once["n_replicates"].max(), once["day"].max()
    # One driver to see what an archive is: the first of another run of such a town.
    run = pt.run(
        "first-town", drivers=100, days=last_day, seed=1, quiet=True, set={"attackers.names": ["night-mode"]}
    )
    car = run.driver(run.example_sightings["driver_id"].max())
    return car, drivers, kept, last_day, noted, once, study, towns


@app.cell(hide_code=True)
def _(car, last_day, mo):
    day = mo.ui.slider(
        1,
        last_day,
        value=last_day,
        label="**Somebody looks in the evening of day**",
        show_value=True,
        full_width=True,
    )
    days_kept = mo.ui.slider(
        1, last_day, value=7, label="**Reads are deleted after days**", show_value=True, full_width=True
    )
    mo.vstack(
        [
            mo.md(
                f"## What an archive forgets\n\nOne car of the town, {car.sightings.height} reads in {last_day} days. "
                "An archive that deletes after some days is a window that moves along. Move both."
            ),
            day,
            days_kept,
        ]
    )
    return day, days_kept


@app.cell(hide_code=True)
def _(car, day, days_kept, mo, page, pictures, pl):
    _seen = car.sightings.filter(pl.col("day") <= day.value)
    left = _seen.filter(pl.col("day") > day.value - days_kept.value).height
    _words = f"On day {day.value} the archive holds {left} of the {_seen.height} reads made until then."
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_archive(
                    figure, car.sightings, day=day.value, kept_days=days_kept.value
                ),
                _words,
            ),
            mo.md(f"**{_words}** (Whole days are shown; the program deletes to the second.)"),
            page.look_for(
                [
                    "Set 7 days and move the day: does the window ever hold no read of this car?",
                    "What does a window of 7 days hold of somebody's habits? And one of 1 day?",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(drivers, kept, page, towns):
    guesses = [page.guess(f"Kept {label}, our guess, %", value=50) for label in (kept[0], "7 days", kept[-1])]
    first_guess, week_guess, ever_guess = guesses
    once_shown = page.reveal()
    page.ask(
        f"{drivers} people live in {towns} such towns. On the last day somebody looks, for the first time, at what is "
        "left. Of how many is the guess of the home right within 250 m?",
        *guesses,
        once_shown,
    )
    return ever_guess, first_guess, once_shown, week_guess


@app.cell(hide_code=True)
def _(
    ever_guess,
    first_guess,
    kept,
    ladder_curve,
    mo,
    once,
    once_shown,
    page,
    pl,
    plot_ladder,
    study,
    week_guess,
):
    page.hold_back(once_shown)

    def _said(label):
        return page.share(
            once.row(by_predicate=pl.col("retention") == label, named=True), "estimate", ("low", "high")
        )

    _steps = once.join(pl.DataFrame({"retention": kept, "step": range(len(kept))}), on="retention").sort(
        "step"
    )
    _rise = _steps["estimate"].diff().fill_null(0)
    _at = _rise.arg_max()
    _words = ", ".join(f"kept {label} {_said(label)}" for label in (kept[0], "7 days", kept[-1]))
    mo.vstack(
        [
            page.picture(
                lambda figure: plot_ladder(
                    ladder_curve(study.spec, study.results), study.spec, ax=figure.add_subplot()
                ),
                f"Homes found on the last day: {_words}.",
            ),
            mo.md(
                f"**Homes found on the last day: {_words}.** You guessed {first_guess.value}%, {week_guess.value}% "
                f"and {ever_guess.value}%."
            ),
            page.look_for(
                [
                    f"Where is the line steep? The largest step, {100 * _rise[_at]:.0f} points, lies between "
                    f"{kept[_at - 1]} and {kept[_at]}.",
                    f'How much is left to win from "{kept[-1]}" down to 14 days? Compare that with the band.',
                    "Steps to the right are longer than they look: they are named, not drawn to scale.",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(mo, page, study):
    note_guess = mo.ui.radio(
        options=["just as well", "a little", "hardly at all"],
        value="just as well",
        label="How well does deleting after 7 days protect from that?",
    )
    noted_shown = page.reveal()
    page.ask(
        f"Now somebody looks every few days (here: on days {', '.join(map(str, study.scenario.checkpoints()))}), and "
        "writes down each home as soon as the reads make it sure enough. Notes are not deleted.",
        note_guess,
        noted_shown,
    )
    return note_guess, noted_shown


@app.cell(hide_code=True)
def _(kept, ladder_curve, mo, note_guess, noted, noted_shown, page, pl, plot_ladder, study):
    page.hold_back(noted_shown)

    def _row(label):
        return noted.row(by_predicate=pl.col("retention") == label, named=True)

    _week, _ever = _row("7 days"), _row(kept[-1])
    _words = ", ".join(
        f"kept {label} {page.share(_row(label), 'estimate', ('low', 'high'))}"
        for label in (kept[0], "7 days", kept[-1])
    )
    _overlap = _week["high"] >= _ever["low"]
    mo.vstack(
        [
            page.picture(
                lambda figure: plot_ladder(
                    ladder_curve(study.spec, study.results, study.spec.second),
                    study.spec,
                    study.spec.second,
                    ax=figure.add_subplot(),
                ),
                f"Homes written down by the last day, and rightly: {_words}.",
            ),
            mo.md(
                f"**Homes written down by the last day, and rightly: {_words}. "
                + (
                    "The bands of 7 days and for ever overlap: these towns do not show that a week protects from "
                    "somebody who takes notes."
                    if _overlap
                    else "The bands of 7 days and for ever do not overlap."
                )
                + f"** You guessed: {note_guess.value}."
            ),
            page.look_for(
                [
                    "The two pictures count different things: a right guess on the last day, and a home of which "
                    "somebody was once sure, and right. Compare how they rise, not how high they are.",
                    "Which rule would stop somebody who takes notes?",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(mo, page):
    mo.vstack(
        [
            page.talk(
                [
                    "Police want old reads for crimes that are reported late. Which number of days would you write into "
                    "the law, and which reason would you give?",
                    "A rule says: deleted after a week. How could anybody outside check that it is kept? What about "
                    "copies?",
                    "If deleting alone does not stop somebody who takes notes, what else could: few who may look, a log of who "
                    "looked, a reason for each look?",
                ]
            ),
            page.limits(
                [
                    "Whether anybody looks, how often, and why: nobody publishes that. The days on which somebody looks "
                    "are assumed.",
                    "Deleting works here as the rule says. Back-ups, copies at other agencies and screenshots are not "
                    "in the model.",
                    "Three small towns. `docs/findings/retention.md` has the same question for a city and a year.",
                ]
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
