"""Lesson 1: what a list of plate reads tells about one driver after a week."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="One car, one week", css_file="../lesson.css")


@app.cell(hide_code=True)
def _():
    import marimo as mo
    import polars as pl

    import platetrail as pt
    from experiments.figures import map_of_driver
    from experiments.figures.belief_map import belief_on_map
    from experiments.lessons import page, pictures
    from simulator.privacy.time_to_inference import share_right_now

    return belief_on_map, map_of_driver, mo, page, pictures, pl, pt, share_right_now


@app.cell(hide_code=True)
def _(page):
    page.opening(
        "one-car-one-week",
        "You will see what a list of times and places of one number plate gives away, day by day. You will also "
        "see how sure somebody who looks at it may be, and how often that is wrong.",
    )
    return


@app.cell(hide_code=True)
def _(pt):
    # A small town with 24 readers at busy streets and one on a patrol car; a week; always the same dice.
    DAYS = 7
    run = pt.run(
        "first-town",
        drivers=100,
        days=DAYS,
        seed=1,
        quiet=True,
        set={
            "attackers.names": ["bayes", "krumm-last-destination", "prior-alone"],
            "attackers.checkpoint_days": list(range(1, DAYS + 1)),
        },
    )
    cars = {
        f"Car {letter}": number
        for letter, number in zip(
            "ABCD", run.example_beliefs["driver_id"].unique().sort().to_list(), strict=False
        )
    }
    return DAYS, cars, run


@app.cell(hide_code=True)
def _(DAYS, cars, mo, page, run):
    mo.md(f"""
    ## The town

    {run.cameras.height} readers, {run.drivers.height} drivers, {DAYS} days. Whenever a car passes a reader, the
    reader may note plate, time and place. Here are {len(cars)} cars; choose one. (They are the first in the list of
    drivers who live and work in the town, not chosen to make a point.)
    """)
    return


@app.cell(hide_code=True)
def _(cars, mo):
    car = mo.ui.dropdown(
        options=cars, value=next(reversed(cars)), label="**Which car?**", allow_select_none=False
    )
    car
    return (car,)


@app.cell(hide_code=True)
def _(car, run):
    driver = run.driver(car.value)
    reads = driver.sightings
    return driver, reads


@app.cell(hide_code=True)
def _(car, mo, pl, reads):
    _weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    _rows = reads.select(
        pl.col("day").alias("Day"),
        ((pl.col("day") - 1) % 7)
        .replace_strict(dict(enumerate(_weekdays)), return_dtype=pl.String)
        .alias("Weekday"),
        pl.format(
            "{}:{}",
            pl.col("hour").floor().cast(pl.Int64).cast(pl.String).str.zfill(2),
            ((pl.col("hour") % 1) * 60).floor().cast(pl.Int64).cast(pl.String).str.zfill(2),
        ).alias("Time"),
        pl.col("camera_id").alias("Reader"),
    )
    mo.vstack(
        [
            mo.md(f"### All that is stored about {car.selected_key}: {reads.height} lines"),
            mo.ui.table(_rows, selection=None, page_size=15, show_download=False, show_data_types=False),
        ]
    )
    return


@app.cell(hide_code=True)
def _(mo, page):
    map_guess = mo.ui.text(label="Our guess: what kind of life is this?", full_width=True)
    map_shown = page.reveal("We have guessed: show the map")
    page.ask(
        "Read the lines. Where might this car be at night? When does it leave, when does it come back? "
        "Which lines told you?",
        map_guess,
        map_shown,
    )
    return (map_shown,)


@app.cell(hide_code=True)
def _(mo):
    truth_shown = mo.ui.switch(label="**Show where the driver really lives and works**")
    truth_shown
    return (truth_shown,)


@app.cell(hide_code=True)
def _(driver, map_of_driver, map_shown, mo, page, pictures, pl, reads, run, truth_shown):
    page.hold_back(map_shown)
    _data = map_of_driver(
        run.engine.city,
        cameras=run.cameras,
        drivers=run.drivers,
        sightings=reads.with_columns(driver_id=pl.lit(driver.number)),
        beliefs=run.beliefs,
        driver_id=driver.number,
    )
    _places, _most = _data.sightings.height, int(_data.sightings["reads"].max() or 0)
    _never = (
        _data.readers.height
        - reads.filter(pl.col("camera_id").is_in(_data.readers["camera_id"].implode()))[
            "camera_id"
        ].n_unique()
    )
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_reads(figure, _data, truth=truth_shown.value),
                f"Map of the town: {reads.height} reads of one car at {_places} places, up to {_most} at one.",
            ),
            page.look_for(
                [
                    f"The largest circle: {_most} of {reads.height} reads come from one place. Is that near a home, "
                    "near a work place, or on the way between them?",
                    f"{_never} of {_data.readers.height} fixed readers never saw this car. What does that tell?",
                    "Guess first where home is, then turn on the switch above the map.",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(DAYS, mo, page):
    day = mo.ui.slider(1, DAYS, value=DAYS, label="**Day**", show_value=True, full_width=True)
    belief_shown = page.reveal()
    page.ask(
        "Somebody who looks knows the streets, where the readers stand, and how people usually drive, but no names "
        "and no addresses. After how many days will that person search in the right street? Guess, then show the "
        "picture and move the day from 1 onwards.",
        belief_shown,
        mo.md("**Move the day:**"),
        day,
    )
    return belief_shown, day


@app.cell(hide_code=True)
def _(belief_on_map, belief_shown, day, driver, mo, page, pictures, pl, run, truth_shown):
    page.hold_back(belief_shown)
    _all_days = tuple(run.beliefs["day"].unique().sort().to_list())
    _belief = belief_on_map(
        run.engine.city.network, run.example_beliefs, run.drivers, driver=driver.number, days=_all_days
    )
    _now = driver.beliefs.filter(
        (pl.col("attacker") == "bayes") & (pl.col("target") == "home") & (pl.col("day") == day.value)
    ).row(0, named=True)
    _sure, _off, _seen = _now["confidence"], _now["error_m"], _now["sightings_seen"]
    _says = (
        f"{_seen} reads by then: too few, the person who looks names no place."
        if _off is None
        else f"{_seen} reads by then. The best guess lies {_off:,.0f} m from the true home. The person who looks "
        f"gives {page.percent(_now['mass_within_250m'])} to the home being within 250 m of it. "
        + ("It is." if _off <= 250 else "It is not.")
    )
    _fixed = run.cameras.filter(pl.col("kind").cast(pl.String) == "fixed").with_columns(
        pl.col("kind").cast(pl.String)
    )
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_belief(
                    figure, _belief, day.value, _fixed, truth=truth_shown.value
                ),
                f"Map of where the home is believed to be on day {day.value}. {_says}",
            ),
            mo.md(f"**Day {day.value}.** {_says}"),
            page.look_for(
                [
                    "How do the dark streets shrink, and on which day do they jump? What was read on that day?",
                    "Is the person who looks ever sure and wrong? Compare the cars.",
                ]
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(pl, run, share_right_now):
    # Everybody who lives in the town, not only the four cars.
    _names = {
        "bayes": "With all that\nreads tell",
        "krumm-last-destination": "Last read\nof the day",
        "prior-alone": "Without any\nread",
    }
    _residents = run.drivers.filter(pl.col("kind").cast(pl.String) == "resident")["driver_id"].implode()
    right_by_day = (
        share_right_now(run.beliefs.filter(pl.col("driver_id").is_in(_residents)))
        .with_columns(name=pl.col("attacker").replace_strict(_names))
        .sort(pl.col("attacker").replace_strict({n: i for i, n in enumerate(_names)}), "day")
    )
    # Those whose home the person who looks holds likelier than not to lie within 250 m of the guess.
    sure = run.beliefs.filter(
        pl.col("driver_id").is_in(_residents)
        & (pl.col("attacker") == "bayes")
        & (pl.col("target").cast(pl.String) == "home")
        & (pl.col("day") == pl.col("day").max())
        & (pl.col("mass_within_250m") > 0.5)
    )
    return right_by_day, sure


@app.cell(hide_code=True)
def _(DAYS, page):
    share_guess = page.guess("Our guess, %", value=50)
    share_shown = page.reveal()
    page.ask(
        f"That was one car. Of all who live in this town: of how many will the home be guessed right, within 250 m, "
        f"after {DAYS} days?",
        share_guess,
        share_shown,
    )
    return share_guess, share_shown


@app.cell(hide_code=True)
def _(DAYS, mo, page, pictures, pl, right_by_day, share_guess, share_shown, sure):
    page.hold_back(share_shown)
    _last = {r["attacker"]: r for r in right_by_day.filter(pl.col("day") == DAYS).iter_rows(named=True)}
    _best, _simple, _none = (_last[n] for n in ("bayes", "krumm-last-destination", "prior-alone"))
    _words = (
        f"On day {DAYS}: with all that reads tell {page.share(_best)}, by the last read of the day alone "
        f"{page.share(_simple)}, without any read {page.share(_none)}."
    )
    mo.vstack(
        [
            page.picture(
                lambda figure: pictures.draw_right_by_day(
                    figure, right_by_day, guess=share_guess.value / 100
                ),
                _words,
            ),
            mo.md(f"**{_words}** You guessed {share_guess.value}%."),
            page.look_for(
                [
                    "The band around each line: with other drivers from the same town the line would probably lie "
                    "somewhere in it. Which differences are larger than the bands?",
                    "The lowest line needs no reads: it is what the map alone gives away. The distance from it is what "
                    "the reads add.",
                    f'Sure and wrong: of {sure.height} homes the person who looks says "rather here than not" (on average '
                    f"{page.percent(sure['mass_within_250m'].mean() or 0)} sure). "
                    f"{sure.filter(pl.col('error_m') > 250).height} of them are elsewhere.",
                    f"{page.percent(1 - _best['share'])} are not found in a week. Why not? Look for a car with few reads.",
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
                    "Each single line is harmless: a car on a public street. What changes when they are put together?",
                    '"Who has nothing to hide has nothing to fear." For whom in this town might a known home be a danger?',
                    "Being found wrongly: what could happen to the person who lives where the dark street is?",
                ]
            ),
            page.limits(
                [
                    "It is a small made-up town with more readers a square kilometre than most have; in a real one it "
                    "may take longer, or less.",
                    "The drivers follow published averages. Nobody in it has a caravan, a broken leg or a secret.",
                    "A cleverer person who looks may find more: what is not found here is not therefore safe.",
                ]
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
