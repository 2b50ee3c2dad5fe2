"""All attackers, entered in the registry.

Where a paper looks for homes only, the search for work places is this project's analogue and its comment
says so. Hours are free parameters; they are the same for everybody, so that night = home.
"""

from __future__ import annotations

from simulator.adversary.attacker import register
from simulator.adversary.bayes.attacker import BayesAttacker
from simulator.adversary.evidence import Evidence
from simulator.adversary.knowledge import Rung
from simulator.adversary.learned import SCIKIT_LEARN, LearnedAttacker
from simulator.adversary.places import Reduction
from simulator.adversary.prior_alone import PriorAloneAttacker
from simulator.adversary.recipe import Recipe, RecipeAttacker
from simulator.adversary.weeks import always, at_home, bump, more_than_usual, window

_KRUMM = "J. Krumm (2007), Inference Attacks on Location Tracks, Pervasive Computing, LNCS 4480"
_NIGHT = window(20, 7)
_OFFICE_HOURS = window(9, 17, weekdays_only=True)

NIGHT_MODE = RecipeAttacker(
    name="night-mode",
    title="Most-seen reader at night",
    citation=(
        "M. Vanhoof, F. Reis, T. Ploetz & Z. Smoreda (2018), Assessing the Quality of Home Detection from "
        "Mobile Phone Data for Official Statistics, Journal of Official Statistics 34(4)"
    ),
    home=Recipe(evidence=Evidence.MOMENT, week=_NIGHT, reduction=Reduction.FULLEST_CELL),
    work=Recipe(evidence=Evidence.MOMENT, week=_OFFICE_HOURS, reduction=Reduction.FULLEST_CELL),
)

#: The centre of mass of a trajectory, weighted by how deep in the night (or the working day) a read is.
WEIGHTED_CENTROID = RecipeAttacker(
    name="weighted-centroid",
    title="Weighted centroid",
    citation=(
        "M. C. González, C. A. Hidalgo & A.-L. Barabási (2008), Understanding individual human mobility "
        "patterns, Nature 453"
    ),
    home=Recipe(evidence=Evidence.MOMENT, week=bump(2.5, 6.5), reduction=Reduction.MEAN),
    work=Recipe(evidence=Evidence.MOMENT, week=bump(13, 4.5, weekdays_only=True), reduction=Reduction.MEAN),
)

DBSCAN = RecipeAttacker(
    name="dbscan",
    title="Density clusters (DBSCAN)",
    citation=(
        "M. Ester, H.-P. Kriegel, J. Sander & X. Xu (1996), A Density-Based Algorithm for Discovering "
        "Clusters in Large Spatial Databases with Noise, KDD-96"
    ),
    home=Recipe(evidence=Evidence.MOMENT, week=_NIGHT, reduction=Reduction.DENSITY_CLUSTER),
    work=Recipe(evidence=Evidence.MOMENT, week=_OFFICE_HOURS, reduction=Reduction.DENSITY_CLUSTER),
)

#: Work (analogue): each weekday's last sighting between 5 am and 11 am, where the morning's trips ended.
KRUMM_LAST_DESTINATION = RecipeAttacker(
    name="krumm-last-destination",
    title="Last destination",
    citation=_KRUMM,
    home=Recipe(evidence=Evidence.LAST_OF_DAY, week=always(), reduction=Reduction.MEDIAN),
    work=Recipe(
        evidence=Evidence.LAST_OF_DAY, week=window(5, 11, weekdays_only=True), reduction=Reduction.MEDIAN
    ),
)

#: Work (analogue): only the part of each dwell that falls in office hours counts.
KRUMM_WEIGHTED_MEDIAN = RecipeAttacker(
    name="krumm-weighted-median",
    title="Dwell-weighted median",
    citation=_KRUMM,
    home=Recipe(evidence=Evidence.DWELL, week=always(), reduction=Reduction.MEDIAN),
    work=Recipe(evidence=Evidence.DWELL, week=_OFFICE_HOURS, reduction=Reduction.MEDIAN),
)

#: Sightings are weighted by dwell, as Krumm's clusters are of trip ends. Work (analogue): as above.
KRUMM_LARGEST_CLUSTER = RecipeAttacker(
    name="krumm-largest-cluster",
    title="Largest cluster",
    citation=_KRUMM,
    home=Recipe(evidence=Evidence.DWELL, week=always(), reduction=Reduction.CENTRE_CLUSTER),
    work=Recipe(evidence=Evidence.DWELL, week=_OFFICE_HOURS, reduction=Reduction.CENTRE_CLUSTER),
)

#: Krumm learns when people are at home from their tracks; here the curve is assumed (free). A cell scores,
#: for each read, how much likelier than usual people are at home then; reads at midday count against it.
#: Work (analogue): the same with a curve of weekday working hours.
KRUMM_BEST_TIME = RecipeAttacker(
    name="krumm-best-time",
    title="Best time",
    citation=_KRUMM,
    home=Recipe(evidence=Evidence.MOMENT, week=more_than_usual(at_home()), reduction=Reduction.FULLEST_CELL),
    work=Recipe(
        evidence=Evidence.MOMENT,
        week=more_than_usual(bump(13, 6, weekdays_only=True)),
        reduction=Reduction.FULLEST_CELL,
    ),
)

#: Median of where overnight gaps (covering 3 am, 5 to 20 hours) begin and end; for work, gaps over a
#: weekday's noon of 3 to 12 hours.
LONGEST_GAP = RecipeAttacker(
    name="longest-gap",
    title="Ends of the longest unseen stays",
    citation=(
        "After B. Hoh, M. Gruteser, H. Xiong & A. Alrabady (2006), Enhancing Security and Privacy in "
        "Traffic-Monitoring Systems, IEEE Pervasive Computing 5(4)"
    ),
    home=Recipe(evidence=Evidence.GAP_ENDS, week=always(), reduction=Reduction.MEDIAN),
    work=Recipe(
        evidence=Evidence.GAP_ENDS,
        week=window(0, 24, weekdays_only=True),
        reduction=Reduction.MEDIAN,
        stay_covers_h=12.0,
        stay_min_h=3.0,
        stay_max_h=12.0,
    ),
)

SIMPLE_ATTACKERS = (
    NIGHT_MODE,
    WEIGHTED_CENTROID,
    DBSCAN,
    KRUMM_LAST_DESTINATION,
    KRUMM_WEIGHTED_MEDIAN,
    KRUMM_LARGEST_CLUSTER,
    KRUMM_BEST_TIME,
    LONGEST_GAP,
)
for _attacker in SIMPLE_ATTACKERS:
    register(_attacker)

BAYES = register(BayesAttacker())

PRIOR_ALONE = register(PriorAloneAttacker())

LEARNED = register(LearnedAttacker(simple=SIMPLE_ATTACKERS), extra=SCIKIT_LEARN)

#: The Bayesian adversary on each lower rung, for the ladder of knowledge; these attack only where named.
LOWER_RUNGS = tuple(
    register(
        BayesAttacker(name=name, title=f"Bayesian, {knows}", rung=rung, learns=False),
        only_where_named=True,
    )
    for name, knows, rung in (
        ("bayes-sightings", "sightings alone", Rung.SIGHTINGS),
        ("bayes-readers", "with readers", Rung.READERS),
        ("bayes-streets", "with the street map", Rung.STREETS),
        ("bayes-land-use", "with land use", Rung.LAND_USE),
    )
)
