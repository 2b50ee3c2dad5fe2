"""Lesson 4: whether it helps to store no plates, or plates under other names."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Names are not needed", css_file="../lesson.css")


@app.cell(hide_code=True)
def _():
    import marimo as mo
    import polars as pl

    import platetrail as pt
    from experiments.figures.reidentification import plot_joined, plot_unicity
    from experiments.lessons import page, pictures
    from experiments.reidentification import pseudonym_table, unicity_table
    from simulator.privacy.time_to_inference import share_right_now
    from simulator.recapture import recapture_run

    return (
        mo,
        page,
        pictures,
        pl,
        plot_joined,
        plot_unicity,
        pseudonym_table,
        pt,
        recapture_run,
        share_right_now,
        unicity_table,
    )


@app.cell(hide_code=True)
def _(page):
    page.opening(
        "names-are-not-needed",
        "You will see how few known places and times single one car out of all others, without its plate. Then you "
        "will see what it helps to store a made-up label for each plate, and to change it now and then.",
    )
    return


@app.cell(hide_code=True)
def _(pl, pt, recapture_run):
    # Everything that was read of 400 drivers in 60 days; plates are numbers that mean nothing.
    run = pt.run(
        "first-town", drivers=400, days=60, seed=1, quiet=True, set={"attackers.names": ["night-mode"]}
    )
    taken = recapture_run(run.folder)
    n_drivers = run.drivers.height
    points = pl.DataFrame(
        {
            "car": taken.sightings.plate,
            "reader": taken.sightings.camera_id,
            "hour": taken.sightings.time_s // 3600,
        }
    ).unique()
    return n_drivers, points, run, taken


@app.cell(hide_code=True)
def _(mo, n_drivers, points, run):
    again = mo.ui.slider(1, 20, value=1, label="**Another car, by lot**", show_value=True)
    mo.vstack(
        [
            mo.md(
                f"## One car among {n_drivers}\n\n{points.height:,} times a car was somewhere at some hour, in "
                f'{run.scenario.days} days. No plates: only "a car passed reader 7 on day 12 between 8 and 9 o\'clock". '
                "Suppose you happen to know a few such moments of one car: you stood beside it at the lights, you "
                "saw a photo, you know when a colleague comes to work."
            ),
            again,
        ]
    )
    return (again,)


@app.cell(hide_code=True)
def _(again, pl, points):
    # One car, and four of its moments, drawn by lot; then all cars that were there at all of the first one, two ...
    _long = points.group_by("car").len().filter(pl.col("len") >= 4)["car"].sort()
    _car = _long.sample(1, seed=again.value)[0]
    moments = (
        points.filter(pl.col("car") == _car).sort("reader", "hour").sample(4, seed=again.value, shuffle=True)
    )
    _fit, _counts, _lines = points["car"].unique(), [points["car"].n_unique()], []
    for _reader, _hour in moments.select("reader", "hour").iter_rows():
        _there = points.filter((pl.col("reader") == _reader) & (pl.col("hour") == _hour))["car"]
        _fit = _fit.filter(_fit.is_in(_there.implode()))
        _counts.append(len(_fit))
        _lines.append(f"reader {_reader}, day {_hour // 24 + 1}, {_hour % 24} to {_hour % 24 + 1} o'clock")
    left = pl.DataFrame({"points": range(len(_counts)), "cars": _counts})
    known = _lines
    return known, left


@app.cell(hide_code=True)
def _(mo, page):
    one_guess = mo.ui.radio(options=["1", "2", "3", "4", "more"], value="3", label="Our guess:", inline=True)
    one_shown = page.reveal()
    page.ask("How many such moments does it take until only one car fits?", one_guess, one_shown)
    return one_guess, one_shown


@app.cell(hide_code=True)
def _(known, left, mo, one_guess, one_shown, page, pictures, pl):
    page.hold_back(one_shown)
    _alone = left.filter(pl.col("cars") == 1)["points"].min()
    _words = "Cars that fit: " + ", ".join(f"{cars} after {k}" for k, cars in left.iter_rows()) + "."
    _end = f"After {_alone} only one is left." if _alone is not None else "More than one is left after four."
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_left(
                    figure, left, title="How many cars fit what is known of one"
                ),
                _words,
            ),
            mo.md(
                f"**{_end}** You guessed {one_guess.value}. What was known: "
                + "; ".join(f"({i}) {line}" for i, line in enumerate(known, 1))
                + "."
            ),
            page.look_for(
                [
                    "How far does the first moment alone narrow it down?",
                    "Draw other cars with the slider above. Does it ever take all four?",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(n_drivers, run, taken, unicity_table):
    # All cars: exact place and hour, and both made coarser.
    unicity = unicity_table(
        taken.sightings,
        n_drivers,
        points=(1, 2, 3, 4),
        places=("reader", "1000"),
        minutes=(60, 1440),
        seed=run.seed,
    )
    return (unicity,)


@app.cell(hide_code=True)
def _(page):
    all_guess = page.guess("Reader and hour, our guess, %", value=50)
    coarse_guess = page.guess("Square of 1 km and day, our guess, %", value=25)
    all_shown = page.reveal()
    page.ask(
        "Now all cars, each with four of its moments. What share of them is singled out? And if the data are made "
        "coarser: no reader but a square of one kilometre, no hour but the day?",
        all_guess,
        coarse_guess,
        all_shown,
    )
    return all_guess, all_shown, coarse_guess


@app.cell(hide_code=True)
def _(all_guess, all_shown, coarse_guess, mo, page, pl, plot_unicity, unicity):
    page.hold_back(all_shown)

    def _at(place, minutes, points=4):
        return unicity.row(
            by_predicate=(pl.col("place") == place)
            & (pl.col("minutes") == minutes)
            & (pl.col("points") == points),
            named=True,
        )

    def _said(row):
        return page.share(row, "share", ("low", "high"))

    _fine, _coarse = _at("reader", 60), _at("1000", 1440)
    _words = f"Four moments single out {_said(_fine)} by reader and hour, {_said(_coarse)} by square and day."
    mo.vstack(
        [
            page.picture(lambda figure: plot_unicity(unicity, ax=figure.add_subplot()), _words),
            mo.md(f"**{_words}** You guessed {all_guess.value}% and {coarse_guess.value}%."),
            page.look_for(
                [
                    f"What helps more: coarser places ({_said(_at('1000', 60))} by square and hour) or coarser times "
                    f"({_said(_at('reader', 1440))} by reader and day)?",
                    f"{_fine['too_short']} cars have fewer than four moments; they are left out of the last point, not "
                    "counted as safe.",
                    "In a large town more cars pass each reader in an hour: there it may take more moments.",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(pseudonym_table, taken):
    joined = pseudonym_table(taken.world, taken.sightings)
    return (joined,)


@app.cell(hide_code=True)
def _(mo, page):
    label_guess = mo.ui.radio(
        options=["no, that is cut", "sometimes", "mostly"],
        value="no, that is cut",
        label="Our guess, labels that change monthly:",
    )
    label_shown = page.reveal()
    page.ask(
        "So plates are replaced by made-up labels, and every month, week, day or trip each car gets a new one. Nobody "
        "keeps the list of which belongs to which. Can somebody tell which new label is which old one, from habits "
        "alone: who passes where, at what time of day?",
        label_guess,
        label_shown,
    )
    return label_guess, label_shown


@app.cell(hide_code=True)
def _(joined, label_guess, label_shown, mo, page, pl, plot_joined):
    page.hold_back(label_shown)
    _rows = {r["rotation"]: r for r in joined.iter_rows(named=True)}

    def _said(rotation, what):
        return page.share(_rows[rotation], what, (f"{what}_low", f"{what}_high"))

    _month, _day = _rows["monthly"], _rows["daily"]
    _words = (
        f"Monthly: {_said('monthly', 'recall')} of drivers are joined rightly, and of all joins that are claimed "
        f"{_said('monthly', 'precision')} are right. Daily: {_said('daily', 'recall')} and {_said('daily', 'precision')}. "
        f"Chance: {100 * _month['chance']:.1f}%."
    )
    mo.vstack(
        [
            page.picture(lambda figure: plot_joined(joined, ax=figure.add_subplot()), _words),
            mo.md(f"**{_words}** You guessed: {label_guess.value}."),
            page.look_for(
                [
                    "From left to right labels last less long. What falls, and what is the reason?",
                    f"Two numbers for each: how many are found, and how far a claim can be trusted. With weekly labels "
                    f"{page.percent(1 - _rows['weekly']['precision'])} of claims are wrong. Who pays for those?",
                    "Compare each with the black stroke, which is guessing blindly.",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(pl, pt, share_right_now):
    # The same town and trips under three rules for labels; who looks knows only the label of the day.
    rules = {"never": "One label for ever", "weekly": "New label each week", "daily": "New label each day"}
    _parts = []
    for _rotation, _name in rules.items():
        _town = pt.run(
            "first-town",
            drivers=100,
            days=28,
            seed=1,
            quiet=True,
            set={
                "attackers.names": ["bayes"],
                "attackers.checkpoint_days": [1, 7, 14, 21, 28],
                "archive.rules": [{"kind": "pseudonyms", "rotation": _rotation}],
            },
        )
        _residents = _town.drivers.filter(pl.col("kind").cast(pl.String) == "resident")["driver_id"].implode()
        _parts.append(
            share_right_now(_town.beliefs.filter(pl.col("driver_id").is_in(_residents))).with_columns(
                name=pl.lit(_name.replace(" label ", " label\n"))
            )
        )
    homes = pl.concat(_parts)
    return homes, rules


@app.cell(hide_code=True)
def _(mo, page):
    home_guess = mo.ui.radio(
        options=["as many as with plates", "about half", "next to none"],
        value="about half",
        label="With one label for ever, in place of a plate, homes are found:",
    )
    home_shown = page.reveal()
    page.ask("No plate is stored, only labels. Does that hide where somebody lives?", home_guess, home_shown)
    return home_guess, home_shown


@app.cell(hide_code=True)
def _(home_guess, home_shown, homes, mo, page, pictures, pl, rules):
    page.hold_back(home_shown)
    _last = homes.filter(pl.col("day") == pl.col("day").max())
    _words = "; ".join(
        f"{title.lower()}: {page.share(row)}"
        for title, row in zip(rules.values(), _last.iter_rows(named=True), strict=True)
    )
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_right_by_day(figure, homes),
                f"Homes found on day {_last['day'][0]}: {_words}.",
            ),
            mo.md(f"**Homes found on day {_last['day'][0]}: {_words}.** You guessed: {home_guess.value}."),
            page.look_for(
                [
                    "One label for ever is as good as a plate: a home needs no name to be found. An address then gives "
                    "the name.",
                    "Which of the lines still rise after the first week? Why do the others not?",
                    "Here nobody joins labels. With what you saw above: which line would rise if somebody did?",
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
                    '"The data are anonymous." What would you ask back?',
                    "Who knows four moments of your week without meaning to?",
                    "Labels that change each day protect best here. What can police then no longer do? Is that worth it?",
                ]
            ),
            page.limits(
                [
                    "There are few cars in this town. Among more, singling out takes more moments; in studies of real "
                    "telephone data of 1.5 million people four were enough for 95% (de Montjoye et al. 2013).",
                    "The one who joins labels here uses habits only. With looks of cars (colour, make) or other lists it "
                    "would go better.",
                    "That the list of labels is destroyed is assumed. Where it is kept, labels are plates.",
                ]
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
