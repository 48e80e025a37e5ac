"""Opens a run: loads its contract, and finds its target, starts the embedded one, or reads evidence back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from conformance.contract import Contract, Release, load_contract, read_release, shipped_profiles, with_release
from conformance.contract.model import Place, Tier
from conformance.contract.servers import server_urls
from conformance.evidence import Redactor
from conformance.gate.waivers import load_waivers
from conformance.probes import check_request
from conformance.probes.challenge import require_in_time
from conformance.running.earlier_run import require_fresh, require_no_other_evidence
from conformance.running.ownership import owned
from conformance.running.replay import replayed_run
from conformance.running.resume import interrupted_run, require_same_target
from conformance.running.run import Run, RunSettings
from conformance.suite.outcome import Waiver
from conformance.suite.selection import check_selection
from conformance.targets import Reach, Target, TargetError, checked_reach, target_from_environment, values_of
from conformance.targets.capabilities import AUTHENTICATION, declarable
from conformance.targets.deployment_dialect import DeploymentDialect
from conformance.targets.environment import demo_substitutes, further_key_variable, is_loopback
from conformance.wire.credentials import COOKIE


@contextlib.contextmanager
def open_run(
    settings: RunSettings, environ: Mapping[str, str], target_data: Mapping[str, Any] | None = None
) -> Iterator[Run]:
    """Load the contract, find the target (or start the embedded one, or read evidence back) and be ready to plan.

    `target_data` is what another process of the same run, which owns the directory, found already. The embedded
    reference deployment runs as long as the context, and nobody else writes to the run's directory meanwhile.

    Raises:
        ContractError, TargetError, EvidenceError: the profile, the target's configuration, the evidence or the
            directory is unusable, or another run writes to it.
        SelectionError: `only` matches no requirement.
    """
    contract = load_contract(settings.profile)
    check_selection(contract, settings.only, settings.profile, option="--only")
    check_selection(contract, settings.exclude, settings.profile, option="--exclude")
    release, contract = _released(contract, settings.release)
    ids = (row.id for row in contract.requirements)
    waivers = () if settings.waivers is None else load_waivers(settings.waivers, ids)
    if settings.challenge is not None and settings.replay is None:
        require_in_time(settings.challenge, datetime.now(UTC), f"the challenge for {settings.challenge.issued_for}")
    owner = _owner(settings, target_data)
    with contextlib.ExitStack() as resources:
        if settings.resume:
            resources.enter_context(owner)  # before its evidence is read
            run = _resumed(settings, contract, environ)
        elif settings.replay is not None:
            if settings.out is not None:
                require_no_other_evidence(settings.out, settings.replay)
            run = replayed(settings, contract, waivers=waivers, environ=environ, release=release)
        else:
            run = _live(settings, contract, release, _target(settings, contract, environ, target_data, resources))
        if not settings.resume:
            resources.enter_context(owner)
        yield replace(run, waivers=waivers)


def _owner(settings: RunSettings, target_data: Mapping[str, Any] | None) -> contextlib.AbstractContextManager[None]:
    """What owns the run's directory; nothing where there is none, or where the process that started this one does."""
    out = settings.out
    if out is None or target_data is not None or (settings.resume and not out.is_dir()):
        return contextlib.nullcontext()
    return owned(out)


def _live(settings: RunSettings, contract: Contract, release: Release | None, target: Target) -> Run:
    return Run(
        settings=settings,
        contract=contract,
        target=replace(target, trust_environment=settings.trust_environment),
        redactor=Redactor(target.secrets, credential_headers(contract)),
        tier=settings.tier,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        release=release,
        seed=settings.seed,
        challenge=settings.challenge,
    )


def _resumed(settings: RunSettings, contract: Contract, environ: Mapping[str, str]) -> Run:
    """An interrupted run to be completed: it has a tier, a selection and a release of its own already."""
    if settings.base_url is None or settings.out is None:
        raise TargetError("--resume needs the target that the run was started with; give --base-url or --target.")
    resumed = interrupted_run(settings.out, contract)
    if resumed.header.get("stopped"):
        raise TargetError(
            f"{settings.out} holds a run that had nothing to judge; start a new run, in another directory."
        )
    if resumed.challenge is not None:
        require_in_time(resumed.challenge, datetime.now(UTC), f"{settings.out} holds a run whose challenge")
    release, contract = _released(contract, settings.release or resumed.release)
    target = _addressed(contract, settings, environ)
    check_request(contract, target)
    require_same_target(resumed, target, contract, settings.out)
    settings = replace(settings, only=resumed.only, exclude=resumed.exclude, generated=resumed.header.get("generated"))
    settings = replace(settings, seed=resumed.seed)
    # What the preflight found out then is not asked again.
    run = _live(settings, contract, release, replace(target, dialect=resumed.target.dialect))
    return replace(run, tier=resumed.tier, started=resumed.started, resumed=resumed, challenge=resumed.challenge)


def replayed(
    settings: RunSettings,
    contract: Contract,
    *,
    environ: Mapping[str, str],
    waivers: tuple[Waiver, ...] = (),
    release: Release | None = None,
) -> Run:
    """A run over the evidence of an earlier one, which `settings.replay` names.

    Raises:
        TargetError, EvidenceError: the evidence is unusable, or of another profile.
        ContractError: the release that it was scored by cannot be read.
    """
    assert settings.replay is not None
    recorded = replayed_run(settings.replay, contract, settings.bounds)
    if release is None:
        release, contract = _released(contract, recorded.release)
    keys = {name: environ[name] for name in ("CONFORMANCE_API_KEY", "CONFORMANCE_OTHER_API_KEY") if environ.get(name)}
    keys |= recorded.target.reach.secrets(environ)
    return Run(
        settings=replace(settings, only=settings.only or recorded.only, exclude=(*settings.exclude, *recorded.exclude)),
        contract=contract,
        target=recorded.target,
        redactor=Redactor(keys, credential_headers(contract)),
        tier=recorded.tier,
        started=recorded.started,
        waivers=waivers,
        release=release,
        recorded=recorded.evidence,
        seed=recorded.seed,
        challenge=recorded.challenge,
    )


def collecting(contract: Contract, profile: str, tier: Tier) -> Run:
    """A run that only collects the suite's tests of a contract and tier; nothing can be sent in it.

    `profile` is the user's name for the contract.
    """
    return _live(RunSettings(profile, tier=tier), contract, None, Target("http://localhost"))


def _target(
    settings: RunSettings,
    contract: Contract,
    environ: Mapping[str, str],
    target_data: Mapping[str, Any] | None,
    resources: contextlib.ExitStack,
) -> Target:
    """The target of a new run."""
    if target_data is not None:
        nested = {
            "dialect": DeploymentDialect.from_data(target_data["dialect"]),
            "reach": Reach(**target_data["reach"]),
        }
        return Target(**{**target_data, **nested})
    if settings.out is not None:
        require_fresh(settings.out, force=settings.force)
    if settings.base_url is None:
        return _embedded(contract, settings, resources)
    target = _addressed(contract, settings, environ)
    check_request(contract, target)
    return target


def _released(contract: Contract, version: str | None) -> tuple[Release | None, Contract]:
    """The release that is scored by, if one is, and the contract as it binds."""
    if version is None:
        return None, contract
    release = read_release(contract, version)
    return release, with_release(contract, release)


def credential_headers(contract: Contract) -> tuple[str, ...]:
    """The names of the header fields that carry the key."""
    scheme = contract.operation.credential
    if scheme is None or scheme.place is Place.QUERY:
        return ()
    return (scheme.header if scheme.place is Place.HEADER else COOKIE,)


def _addressed(contract: Contract, settings: RunSettings, environ: Mapping[str, str]) -> Target:
    operation, named, base_url = contract.operation, settings.named, settings.base_url
    assert base_url is not None
    if named is not None:
        environ = named.environment(environ)
    tail = operation.path.rpartition("}")[2]
    if tail.count("/") > 1 and base_url.rstrip("/").endswith(tail):
        raise TargetError(
            f"--base-url {base_url} ends with the operation's path; give only what stands before {operation.path}."
        )
    environ = {**environ, **_given_parameters(contract, settings)}
    authenticated = AUTHENTICATION not in settings.without
    try:
        target = target_from_environment(base_url, environ, contract, authenticated=authenticated)
    except TargetError as error:
        raise TargetError(str(error) if named is None else named.in_the_file(str(error))) from None
    target = _declared(target, contract, settings)
    further = _further_keys(contract, environ, base_url) if authenticated else Reach()
    target = _by_its_way(target, settings.reach.over(further), contract, environ)
    return target if named is None else replace(target, name=named.name)


def _further_keys(contract: Contract, environ: Mapping[str, str], base_url: str) -> Reach:
    """The keys that every request carries beside the contract's first one, each from a variable of its own.

    The reference deployment of a contract asks for the first alone, so that on loopback they may be missing.
    """
    variables = {scheme: further_key_variable(scheme) for scheme in contract.operation.further_credentials}
    missing = [name for name in variables.values() if not environ.get(name, "").strip()]
    if missing and not is_loopback(base_url):
        raise TargetError(f"{' and '.join(missing)} must be set in the environment to judge {base_url}.")
    known = {scheme: name for scheme, name in variables.items() if name not in missing}
    query = {one.header: name for one, name in known.items() if one.place is Place.QUERY}
    return Reach(
        headers_env={one.header: name for one, name in known.items() if one.place is Place.HEADER}, query_env=query
    )


def _given_parameters(contract: Contract, settings: RunSettings) -> dict[str, str]:
    """The variables that stand for the parameters that are given by name."""
    known = {parameter.name: parameter.variable for parameter in contract.parameters}
    for name in settings.parameters:
        if name not in known:
            what = f"its parameters are {', '.join(known)}" if known else "it has none"
            raise TargetError(f"--param {name}: {contract.profile.name} has no parameter of this name; {what}.")
    return {known[name]: value for name, value in settings.parameters.items()}


def substitutes(run: Run, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables that are not set and have the reference deployment's public value in a run, each with its noun."""
    if run.recorded is not None or run.target.embedded:
        return ()
    named = run.settings.named
    return demo_substitutes(run.target, named.environment(environ) if named is not None else environ, run.contract)


def _declared(target: Target, contract: Contract, settings: RunSettings) -> Target:
    """The target with what it is declared to lack."""
    allowed = declarable(contract.operation.properties)
    for name in settings.without:
        if name not in allowed:
            named, key = settings.named, "unsupported"
            of_the_file = named is not None and name in named.settings.get(key, ())
            where = named.place_of(key) if named is not None and of_the_file else "--without"
            raise TargetError(f"{where}: {name!r} cannot be left out; what can be is {', '.join(allowed)}.")
    alone = settings.second_tenant is False
    return replace(
        target,
        unsupported=settings.without,
        second_tenant=settings.second_tenant,
        other_api_key=None if alone else target.other_api_key,
        other_parameters={} if alone else target.other_parameters,
    )


def _by_its_way(target: Target, reach: Reach, contract: Contract, environ: Mapping[str, str]) -> Target:
    """The target, reached as the settings say."""
    if not reach:
        return target
    from conformance.wire.tls import check_certificates

    reach = checked_reach(
        reach.with_usual_variables(environ), next(iter(credential_headers(contract)), "Authorization")
    )
    target = replace(target, reach=reach, reach_values=values_of(reach, environ))
    check_certificates(target)
    return target


def _embedded(contract: Contract, settings: RunSettings, resources: contextlib.ExitStack) -> Target:
    from conformance.reference import EmbeddedReference

    if settings.profile not in shipped_profiles():
        raise TargetError(
            f"--base-url is missing: which deployment is to be judged?{_named_servers(contract)} To try the document"
            f" before there is one, start its reference deployment: chat-conformance serve {settings.profile}"
        )
    target = resources.enter_context(EmbeddedReference(settings.profile, contract=contract)).target
    return _declared(target, contract, settings)


def _named_servers(contract: Contract) -> str:
    """The servers that a document names, as a sentence."""
    servers = server_urls(contract.document)
    return f" The document names {', '.join(servers[:3])}." if servers else ""
