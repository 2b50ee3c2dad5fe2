"""Lesson 2: how many readers it takes until homes can be found, and where they stand."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Just a few cameras", css_file="../lesson.css")


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
        "just-a-few-cameras",
        "You will see how the number of readers decides how many homes can be found. You will also see how much, or "
        "how little, it matters where they stand.",
    )
    return


@app.cell(hide_code=True)
def _(HERE, pt):
    # Three towns; in each the same drivers on the same trips, whatever readers there are.
    study = pt.study(HERE / "readers.toml", quiet=True)
    number, place = study.spec.factors
    counts, places = [int(n) for n in number.labels()], list(place.labels())
    return counts, places, study


@app.cell(hide_code=True)
def _(counts, mo):
    count = mo.ui.slider(steps=counts, value=counts[len(counts) // 2], label="**Readers**", show_value=True)
    where = mo.ui.radio(
        options={"at busy streets": "volume", "anywhere": "random"},
        value="at busy streets",
        label="**Where?**",
        inline=True,
    )
    mo.vstack(
        [
            mo.md(
                '## The town\n\nA council wants to put up readers: "just a few cameras". How many are a few? '
                "Choose a number and a rule for where they stand, and look at the map. Which streets would you have "
                "to take not to be seen?"
            ),
            mo.hstack([count, where], justify="start", gap=3),
        ]
    )
    return count, where


@app.cell(hide_code=True)
def _(count, page, pictures, pl, pt, where):
    _day = pt.run(
        "first-town",
        drivers=20,
        days=1,
        seed=1,
        quiet=True,
        set={
            "attackers.names": ["night-mode"],
            "readers": [
                {"kind": "fixed", "owner": "town-police", "count": count.value, "placement": where.value}
            ],
        },
    )
    readers = _day.cameras.with_columns(pl.col("kind").cast(pl.String))
    _city = _day.engine.city
    page.picture(
        lambda figure: pictures.draw_town(figure, _city, readers),
        f"Map of a small town with {readers.height} readers.",
    )
    return


@app.cell(hide_code=True)
def _(counts, page, pl, places, study):
    # What is asked for: the last day, the attacker that uses everything.
    _rows = study.results.filter((pl.col("target") == "home") & (pl.col("day") == pl.col("day").max()))
    found = _rows.filter((pl.col("measure") == "right-at-day") & (pl.col("criterion") == "within-250m"))
    reads = _rows.filter(pl.col("measure") == "sightings")
    drivers, last_day, towns = found["n_drivers"].max(), found["day"].max(), found["n_replicates"].max()

    def at(frame, n, where=places[0]):
        return frame.row(by_predicate=(pl.col("number") == str(n)) & (pl.col("place") == where), named=True)

    def said(n, where=places[0]):
        return page.share(at(found, n, where), "estimate", ("low", "high"))

    few, most = counts[0], counts[-1]
    return at, drivers, few, found, last_day, most, reads, said, towns


@app.cell(hide_code=True)
def _(drivers, last_day, few, most, page, towns):
    few_guess = page.guess(f"With {few} readers, our guess, %", value=25)
    most_guess = page.guess(f"With {most} readers, our guess, %", value=75)
    found_shown = page.reveal()
    page.ask(
        f"{drivers} people live in {towns} such towns. After {last_day} days somebody with all reads, but no names, "
        f"looks for their homes. Of how many is the guess right within 250 m?",
        few_guess,
        most_guess,
        found_shown,
    )
    return few_guess, found_shown, most_guess


@app.cell(hide_code=True)
def _(
    at,
    counts,
    few,
    few_guess,
    found,
    found_shown,
    ladder_curve,
    mo,
    most,
    most_guess,
    page,
    places,
    plot_ladder,
    reads,
    said,
    study,
):
    page.hold_back(found_shown)
    _words = f"At busy streets: {said(few)} with {few} readers, {said(most)} with {most}."
    _curve = ladder_curve(study.spec, study.results)
    _half = next((n for n in counts if at(found, n)["estimate"] >= 0.5 * at(found, most)["estimate"]), most)
    _wide = max(counts, key=lambda n: at(found, n)["high"] - at(found, n)["low"])
    mo.vstack(
        [
            page.picture(lambda figure: plot_ladder(_curve, study.spec, ax=figure.add_subplot()), _words),
            mo.md(f"**{_words}** You guessed {few_guess.value}% and {most_guess.value}%."),
            page.look_for(
                [
                    f"Each step doubles the readers. Is there a step below which next to nobody is found, or does it "
                    f"rise all along? Half of what {most} readers find is found with {_half}.",
                    f"A driver is read {at(reads, few)['estimate']:.0f} times in the whole time with {few} readers, "
                    f"{at(reads, most)['estimate']:.0f} times with {most}.",
                    f"The bands are wide, widest at {_wide} readers: the {study.spec.replicates} towns differ. What "
                    "could make one town's readers see more than another's?",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(mo, page):
    place_guess = mo.ui.radio(
        options=["at busy streets", "anywhere", "no difference that we could tell"],
        value="at busy streets",
        label="Where is more found?",
    )
    place_shown = page.reveal("We have guessed: show the numbers")
    page.ask(
        "Where would you put readers to see as much as possible: at busy streets, or spread anywhere? And which "
        "is worse for those who live there?",
        place_guess,
        place_shown,
    )
    return place_guess, place_shown


@app.cell(hide_code=True)
def _(at, counts, found, mo, most, page, pl, place_guess, place_shown, places, reads, said):
    page.hold_back(place_shown)
    _table = pl.DataFrame(
        {
            "Readers": counts,
            **{f"Homes found, {w}": [said(n, w) for n in counts] for w in places},
            **{
                f"Reads a driver, {w}": [f"{at(reads, n, w)['estimate']:.0f}" for n in counts] for w in places
            },
        }
    )
    _busy, _any = (at(found, most, w) for w in places)
    _apart = _busy["low"] > _any["high"] or _any["low"] > _busy["high"]
    mo.vstack(
        [
            mo.ui.table(_table, selection=None, show_download=False, show_data_types=False),
            mo.md(
                f"**With {most} readers: {said(most, places[0])} {places[0]}, {said(most, places[1])} {places[1]}. "
                + (
                    "The intervals do not overlap.**"
                    if _apart
                    else "The intervals overlap: from three small towns nobody should conclude that one is worse.**"
                )
                + f" You guessed: {place_guess.value}."
            ),
            page.look_for(
                [
                    "Do more reads always mean more homes found? Compare the two pairs of columns.",
                    "The same number of readers in two rules: is the difference larger or smaller than between two "
                    "rows?",
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
                    '"Just a few cameras": from which number on would you not call them a few? Why there?',
                    "Two neighbouring towns put up a few readers each, and share what they read. How many readers does "
                    "somebody who looks then have? Who decided that?",
                    "A town may say how many readers it has, or where they stand, or neither. What would you want to be "
                    "told?",
                ]
            ),
            page.limits(
                [
                    "Numbers belong to a town of six square kilometres. In a larger one the same number of readers is "
                    "thinner: count readers a square kilometre when you compare.",
                    "Readers on patrol cars are left out here; they drive to where cars are parked.",
                    "All readers read alike well. Rain, dirt and broken readers are in the model only on average.",
                ]
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
