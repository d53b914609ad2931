// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {Court} from "./Court.sol";

/// @title Handler: random people doing everything that the contracts allow, and trying what they do not
/// @notice What must hold after each single step is checked here and kept as the first broken rule; sums are checked by Invariants.t.sol.
contract Handler is Court {
    uint256 internal constant PEOPLE = 4;
    uint256 internal clock;
    /// @notice First rule that a step broke; empty while all is well.
    string public broken;

    bytes32[] internal ids;
    mapping(bytes32 => uint256) internal nodeOfFault;
    mapping(bytes32 => uint256) internal saltOf;
    mapping(bytes32 => bool) internal known;
    mapping(bytes32 => uint256) public timesConvicted;
    mapping(bytes32 => bytes) internal evidenceOf;
    mapping(bytes32 => FishermanVerifier.CaseState) internal lastState;
    uint256 internal nextSalt;
    mapping(uint256 salt => uint256) internal caseRound;
    /// @dev kept here, so that nothing depends on how the contract stores it
    mapping(bytes32 => address) internal openerOf;
    mapping(bytes32 => uint256) public bondOf;
    mapping(bytes32 => address) internal finderOf;
    mapping(bytes32 => uint256) public amountOf;
    mapping(bytes32 => address) internal appellantOf;
    mapping(bytes32 => uint256) public appealBondOf;
    mapping(bytes32 => uint256) internal votersOf;
    mapping(address => uint256) internal neededUntil;
    uint256 public appealBondsHeld;
    mapping(uint256 node => mapping(uint256 round => uint256)) internal ppmInRound;

    // sums kept beside the contracts
    uint256 public donated;
    uint256 public bondsTaken;
    uint256 public bondsReturned;
    uint256 public heldNow;
    uint256 public settledSum;
    uint256 public paidToFinders;
    uint256 public paidToTreasury;
    uint256 public refunded;
    uint256 public convictions;
    uint256 public successes;
    mapping(uint256 => uint256) public putIn;
    mapping(uint256 => uint256) public tookOut;
    mapping(uint256 => uint256) public takenFrom;
    mapping(uint256 node => mapping(uint256 round => uint256)) internal stakeAtFirst;
    mapping(uint256 node => mapping(uint256 round => uint256)) internal takenInRound;
    mapping(uint256 => uint256) internal takenOnDay;
    /// @dev a node's security as it was shown, with what had been taken from it until then; one for each change, at its latest moment.
    struct Shown {
        uint256 moment;
        uint256 security;
        uint256 taken;
    }
    mapping(uint256 node => Shown[]) internal shown;

    function start() external {
        setUp();
        for (uint256 i = 0; i < NODES; i++) putIn[i] = 1000 * TOKEN;
        clock = block.timestamp;
    }

    // ---------------------------------------------------------------------------------------------------------------- machinery

    function spoil(bool condition, string memory rule) internal {
        if (!condition && bytes(broken).length == 0) broken = rule;
    }

    function stakes() internal view returns (uint256[NODES] memory list) {
        for (uint256 i = 0; i < NODES; i++) list[i] = deposit.stakeOf(node(i));
    }

    /// @dev Time goes on as this contract says; nobody's stake falls in this step.
    modifier quiet() {
        vm.warp(clock);
        uint256[NODES] memory before = stakes();
        _;
        uint256[NODES] memory later = stakes();
        for (uint256 i = 0; i < NODES; i++) spoil(later[i] >= before[i], "stake fell in a step that takes none");
        states();
        look();
        clock = block.timestamp;
    }

    modifier timed() {
        vm.warp(clock);
        _;
        states();
        look();
        clock = block.timestamp;
    }

    function look() internal {
        for (uint256 i = 0; i < NODES; i++) {
            Shown memory now_ = Shown(block.timestamp, deposit.securityOf(node(i)), takenFrom[i]);
            Shown[] storage list = shown[i];
            uint256 count = list.length;
            if (count > 0 && list[count - 1].security == now_.security && list[count - 1].taken == now_.taken) list[count - 1] = now_;
            else list.push(now_);
        }
    }

    /// @dev What was shown as security is there for the whole time of thawing, but for what convictions took of it.
    function stayed(uint256 i) internal {
        uint256 left = deposit.stakeOf(node(i)) + takenFrom[i];
        for (uint256 k = shown[i].length; k > 0 && shown[i][k - 1].moment + 21 days > block.timestamp; k--) {
            spoil(left >= shown[i][k - 1].security + shown[i][k - 1].taken, "what was shown as security left");
        }
    }

    /// @dev A case never goes back, and an ended one never moves.
    function states() internal {
        for (uint256 i = 0; i < ids.length; i++) {
            FishermanVerifier.CaseState state = stateOf(ids[i]);
            FishermanVerifier.CaseState old = lastState[ids[i]];
            if (state == old) continue;
            bool fine = old == FishermanVerifier.CaseState.None ||
                (old == FishermanVerifier.CaseState.Open) ||
                (old == FishermanVerifier.CaseState.Answered && state != FishermanVerifier.CaseState.Open) ||
                (old == FishermanVerifier.CaseState.Convicted &&
                    (state == FishermanVerifier.CaseState.Settled || state == FishermanVerifier.CaseState.Refunded)) ||
                // Accused of something else, after a case that convicted nobody.
                (old >= FishermanVerifier.CaseState.Rejected && state == FishermanVerifier.CaseState.Open) ||
                (old == FishermanVerifier.CaseState.Expired && state == FishermanVerifier.CaseState.Open) ||
                // Overturned after it was paid: the false signers make the node whole.
                (old == FishermanVerifier.CaseState.Settled && state == FishermanVerifier.CaseState.Refunded);
            spoil(fine && state != FishermanVerifier.CaseState.None, "a case went back");
            lastState[ids[i]] = state;
        }
    }

    function remember(bytes32 faultId, uint256 i, uint256 salt) internal {
        if (known[faultId]) return;
        known[faultId] = true;
        ids.push(faultId);
        nodeOfFault[faultId] = i;
        saltOf[faultId] = salt;
    }

    function tell(address who, address target, bytes memory data) internal returns (bool ok) {
        vm.prank(who);
        (ok, ) = target.call(data);
        if (ok) successes++;
    }

    function someone(uint256 seed) internal view returns (address) {
        seed = seed % (MEMBERS + NODES + PEOPLE + 4);
        if (seed < MEMBERS) return member(seed);
        seed -= MEMBERS;
        if (seed < NODES) return node(seed);
        seed -= NODES;
        if (seed < PEOPLE) return person(seed);
        seed -= PEOPLE;
        return seed == 0 ? governor : seed == 1 ? guardian : seed == 2 ? judge : stranger;
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0x8000 + i));
    }

    function someId(uint256 seed) internal view returns (bytes32) {
        return ids.length == 0 ? bytes32(seed) : ids[seed % ids.length];
    }

    /// @dev Mostly a case that stands as wanted (from `low` to `high`), so that runs get far; else any.
    function pick(
        uint256 seed,
        FishermanVerifier.CaseState low,
        FishermanVerifier.CaseState high
    ) internal view returns (bytes32) {
        if (seed % 8 != 0) {
            for (uint256 i = 0; i < ids.length; i++) {
                bytes32 id = ids[((seed % ids.length) + i) % ids.length];
                FishermanVerifier.CaseState state = stateOf(id);
                if (state >= low && state <= high) return id;
            }
        }
        return someId(seed);
    }

    function running(uint256 seed) internal view returns (bytes32) {
        return pick(seed, FishermanVerifier.CaseState.Open, FishermanVerifier.CaseState.Answered);
    }

    function convicted(uint256 seed) internal view returns (bytes32) {
        return pick(seed, FishermanVerifier.CaseState.Convicted, FishermanVerifier.CaseState.Convicted);
    }

    // --------------------------------------------------------------------------------------------------------------------- time

    function wait(uint256 seed, uint8 kind) external timed {
        kind = kind % 5;
        pass(kind == 0 ? seed % 10 : kind == 1 ? seed % 4000 : kind == 2 ? seed % 2 days : kind == 3 ? seed % 8 days : seed % 22 days);
    }

    function roundOfCase(uint256 salt) internal view override returns (uint256) {
        return caseRound[salt];
    }

    // ----------------------------------------------------------------------------------------------------------------- registry

    function registers(uint256 seed, uint256 bond) external quiet {
        address who = seed % 4 != 0 ? person((seed >> 8) % PEOPLE) : member((seed >> 8) % MEMBERS);
        bond = bound(bond, 200 * TOKEN, 2000 * TOKEN);
        give(who, bond);
        vm.prank(who);
        token.approve(address(registry), bond);
        tell(who, address(registry), abi.encodeCall(registry.register, (bond, new bytes(96), new bytes(48))));
    }

    function asksToLeave(uint256 seed) external quiet {
        // Mostly somebody without a part in quorums, so that convictions stay possible.
        address who = seed % 32 == 0 ? member((seed >> 8) % MEMBERS) : person((seed >> 8) % PEOPLE);
        tell(who, address(registry), abi.encodeCall(registry.requestExit, ()));
    }

    function leavesRegistry(uint256 seed) external quiet {
        address who = seed % 2 == 0 ? member(seed % MEMBERS) : person(seed % PEOPLE);
        (uint128 bond, , uint64 exitAt) = registry.accounts(who);
        uint256 before = token.balanceOf(who);
        bool ok = tell(who, address(registry), abi.encodeCall(registry.withdraw, ()));
        if (!ok) return;
        spoil(exitAt != 0 && exitAt <= block.timestamp, "a bond left early");
        spoil(neededUntil[who] <= block.timestamp, "a signer left while its conviction could be overturned");
        spoil(token.balanceOf(who) - before == bond, "a bond left changed");
    }

    function accountOf(address who) public view returns (uint128 bond, uint64 activeFrom, uint64 exitAt) {
        (bond, activeFrom, exitAt) = registry.accounts(who);
    }

    function fines(uint256 seed, uint256 amount) external quiet {
        address who = someone(seed);
        bool ok = tell(who, address(registry), abi.encodeCall(registry.penalise, (member(seed % MEMBERS), amount, who)));
        spoil(!ok, "a stranger took from a bond");
    }

    // ------------------------------------------------------------------------------------------------------------------ deposit

    function addsDeposit(uint256 seed, uint256 amount) external quiet {
        uint256 i = seed % NODES;
        amount = bound(amount, 1, 500 * TOKEN);
        putDeposit(node(i), amount);
        putIn[i] += amount;
    }

    function thaws(uint256 seed, uint256 amount) external quiet {
        uint256 i = seed % NODES;
        tell(node(i), address(deposit), abi.encodeCall(deposit.thaw, (bound(amount, 0, 600 * TOKEN))));
    }

    function leavesDeposit(uint256 seed) external timed {
        uint256 i = seed % NODES;
        (, , uint64 thawedAt, uint32 freezes) = deposit.accounts(node(i));
        // Mostly about the time when it can leave, which is short.
        if (seed % 8 != 0 && thawedAt > block.timestamp) vm.warp(thawedAt + (seed >> 8) % 4 days);
        uint256 before = token.balanceOf(node(i));
        bool ok = tell(node(i), address(deposit), abi.encodeCall(deposit.withdraw, ()));
        if (!ok) return;
        tookOut[i] += token.balanceOf(node(i)) - before;
        spoil(freezes == 0, "a frozen deposit left");
        spoil(thawedAt != 0 && thawedAt <= block.timestamp, "a deposit left before it thawed");
        spoil(block.timestamp < thawedAt + 3 days, "a deposit left after its time to leave");
        stayed(i);
    }

    function stealsDeposit(uint256 seed, uint256 amount) external quiet {
        address who = someone(seed);
        address victim = node(seed % NODES);
        bool ok = tell(who, address(deposit), abi.encodeCall(deposit.take, (victim, amount, who)));
        ok = tell(who, address(deposit), abi.encodeCall(deposit.freeze, (victim))) || ok;
        ok = tell(who, address(deposit), abi.encodeCall(deposit.unfreeze, (victim))) || ok;
        ok = tell(who, address(depositSlasher), abi.encodeCall(depositSlasher.take, (victim, amount))) || ok;
        spoil(!ok, "a stranger took, froze or freed");
    }

    // -------------------------------------------------------------------------------------------------------------------- admin

    function announces(uint256 seed, uint256 value) external quiet {
        (bytes32 name, uint256 fine) = seed % 3 == 0
            ? (bytes32("openBond"), bound(value, 0, 25 * TOKEN))
            : seed % 3 == 1 ? (bytes32("dailyCap"), bound(value, 0, 200 * TOKEN)) : (bytes32("minimumTake"), bound(value, 0, 5 * TOKEN));
        address who = seed % 16 < 14 ? governor : someone(seed);
        bool ok = tell(who, address(verifier), abi.encodeCall(verifier.announce, (name, fine)));
        spoil(ok == (who == governor), "only the governor announces");
    }

    function appliesChange(uint256 seed) external quiet {
        bytes32 name = seed % 3 == 0 ? bytes32("openBond") : seed % 3 == 1 ? bytes32("dailyCap") : bytes32("minimumTake");
        (, uint48 due) = verifier.changes(name);
        bool ok = tell(someone(seed), address(verifier), abi.encodeCall(verifier.applyChange, (name)));
        spoil(!ok || (due != 0 && due <= block.timestamp), "a change came early");
    }

    function pauses(uint256 seed) external quiet {
        address who = seed % 4 == 0 ? someone(seed) : guardian;
        bool ok = tell(who, address(verifier), abi.encodeCall(verifier.setPaused, (seed % 16 == 1)));
        spoil(ok == (who == guardian), "only the guardian pauses");
    }

    function donates(uint256 amount) external quiet {
        amount = bound(amount, 0, 10 * TOKEN);
        give(stranger, amount);
        vm.prank(stranger);
        token.transfer(address(verifier), amount);
        donated += amount;
    }

    // ---------------------------------------------------------------------------------------------------------------- O classes

    /// @dev A new fault, or an old one once more; sometimes too young, sometimes with another's commitment.
    function proves(uint256 seed, uint256 age, bool again) external timed {
        bytes32 faultId = someId(seed);
        if (again && evidenceOf[faultId].length > 0) return reveals(someone(seed >> 8), faultId, bound(age, 0, 4000));
        uint256 i = seed % NODES;
        uint256 salt = ++nextSalt;
        (bytes memory evidence, bytes32 made) = passThroughOf(i, salt);
        remember(made, i, salt);
        evidenceOf[made] = evidence;
        reveals(someone(seed >> 8), made, age % 4 == 0 ? bound(age, 0, 4000) : 5);
    }

    function reveals(address who, bytes32 faultId, uint256 age) internal {
        bytes32 salt = bytes32(block.timestamp);
        tell(who, address(verifier), abi.encodeCall(verifier.commit, (commitmentOf(who, faultId, salt))));
        pass(age);
        bytes memory data = abi.encodeCall(verifier.reveal, (3, evidenceOf[faultId], salt));
        bool ok = convicts(who, faultId, data, 30_000);
        if (ok) finderOf[faultId] = who;
        spoil(!ok || (age >= 5 && age <= 1 hours), "a reveal of the wrong age");
    }

    /// @dev Brings a proof and checks all limits of what it took.
    function convicts(address who, bytes32 faultId, bytes memory data, uint256 ppm) internal returns (bool ok) {
        uint256 i = nodeOfFault[faultId];
        uint256[NODES] memory before = stakes();
        bool paused = verifier.paused();
        ok = tell(who, address(verifier), data);
        uint256[NODES] memory later = stakes();
        for (uint256 j = 0; j < NODES; j++) if (j != i || !ok) spoil(later[j] == before[j], "the wrong one's stake moved");
        if (!ok) return false;
        spoil(!paused, "convicted while paused");
        uint256 amount = before[i] - later[i];
        spoil(amount == verifier.caseOf(faultId).amount, "the ledger differs from what moved");
        amountOf[faultId] = amount;
        spoil(amount <= (before[i] * ppm) / 1_000_000, "more than the class costs");
        spoil(amount == 0 || amount >= verifier.minimumTake(), "less than the minimum");
        timesConvicted[faultId]++;
        convictions++;
        heldNow += amount;
        takenFrom[i] += amount;
        countRound(i, before[i], amount);
        uint256 day = block.timestamp / 1 days;
        takenOnDay[day] += amount;
        spoil(amount == 0 || takenOnDay[day] <= verifier.dailyCap(), "more than the daily cap");
    }

    function countRound(uint256 i, uint256 stake, uint256 amount) internal {
        uint256 round = rounds.currentRound();
        if (amount == 0) return;
        if (takenInRound[i][round] == 0) stakeAtFirst[i][round] = stake;
        takenInRound[i][round] += amount;
        spoil(takenInRound[i][round] <= (stakeAtFirst[i][round] * 50_000) / 1_000_000, "more than 5 % a round");
        // In parts per million of each round's stake, rounded down: the sum over seven rounds cannot pass a tenth.
        ppmInRound[i][round] = (takenInRound[i][round] * 1_000_000) / stakeAtFirst[i][round];
        uint256 sum;
        for (uint256 r = round - 6; r <= round; r++) sum += ppmInRound[i][r];
        spoil(sum <= 100_000, "more than 10 % in seven rounds");
    }

    // ---------------------------------------------------------------------------------------------------------------- D classes

    function opens(uint256 seed) external quiet {
        uint256 i = seed % NODES;
        uint256 salt = ++nextSalt;
        caseRound[salt] = rounds.currentRound();
        address who = seed % 5 == 0 ? someone(seed >> 8) : member(seed % MEMBERS);
        accuse(who, i, salt);
    }

    function opensAgain(uint256 seed) external quiet {
        if (ids.length == 0) return;
        bytes32 faultId = someId(seed);
        if (evidenceOf[faultId].length > 0) return;
        (uint256 i, uint256 salt) = (nodeOfFault[faultId], saltOf[faultId]);
        if (seed % 2 == 0) return spoil(!accuse(member(seed % MEMBERS), i, salt), "a case opened twice");
        // Of other inputs: only after a case that convicted nobody.
        FishermanVerifier.CaseState state = stateOf(faultId);
        if (rungOf[salt] + 1 == RUNGS) return;
        rungOf[salt]++;
        bool ok = accuse(member(seed % MEMBERS), i, salt);
        if (!ok) rungOf[salt]--;
        bool ended = state >= FishermanVerifier.CaseState.Rejected || state == FishermanVerifier.CaseState.Expired;
        spoil(!ok || ended, "a case opened over another");
    }

    function accuse(address who, uint256 i, uint256 salt) internal returns (bool ok) {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(i, salt);
        bytes memory signature = signReceipt(nodeKeys[i], receipt);
        bytes32 faultId = caseId(i, salt);
        bool seen = known[faultId];
        uint256 bond = verifier.openBond();
        give(who, bond);
        vm.prank(who);
        token.approve(address(verifier), bond);
        uint256 before = token.balanceOf(who);
        uint256 weight = registry.activeWeightOf(who);
        ok = tell(who, address(verifier), openData(D2, receipt, signature, salt));
        if (!ok) return false;
        if (!seen) remember(faultId, i, salt);
        spoil(weight > 0, "a stranger opened a case");
        spoil(before - token.balanceOf(who) == bond, "the bond is not the fixed one");
        bondsTaken += bond;
        (openerOf[faultId], bondOf[faultId]) = (who, bond);
    }

    function answers(uint256 seed) external quiet {
        bytes32 faultId = running(seed);
        address who = seed % 3 == 0 ? someone(seed >> 8) : node(nodeOfFault[faultId]);
        bool ok = tell(who, address(verifier), abi.encodeCall(verifier.answer, (faultId, bytes32(seed))));
        spoil(!ok || who == node(nodeOfFault[faultId]), "somebody else answered");
    }

    /// @dev Votes of some members; the contract's quorum must be the one that is counted here.
    function convictsByVotes(uint256 seed, uint8 voters) external timed {
        bytes32 faultId = running(seed);
        if (seed % 3 != 0) pass(1 days);
        if (!known[faultId] || evidenceOf[faultId].length > 0) return;
        (uint256 i, uint256 salt) = (nodeOfFault[faultId], saltOf[faultId]);
        Digests.ConvictionVote memory vote = voteOf(i, salt);
        vote.finder = someone(seed >> 16);
        uint256 count = bound(voters, 2, MEMBERS);
        bool quorum = isQuorum(count);
        FishermanVerifier.Case memory c = verifier.caseOf(faultId);
        bytes memory data = abi.encodeCall(verifier.convict, (D2, verdictOf(i, salt, vote, sharesOf(vote, count))));
        uint256 before = token.balanceOf(openerOf[faultId]);
        bool ok = convicts(someone(seed >> 24), faultId, data, 10_000);
        if (!ok) return;
        (finderOf[faultId], votersOf[faultId]) = (vote.finder, count);
        for (uint256 j = 0; j < count; j++) neededUntil[member(j)] = block.timestamp + 2 * 14 days + 7 days;
        spoil(quorum, "convicted without a quorum");
        spoil(block.timestamp >= c.answerUntil && block.timestamp < c.expiresAt, "convicted out of time");
        returned(faultId, before);
    }

    function returned(bytes32 faultId, uint256 before) internal {
        spoil(token.balanceOf(openerOf[faultId]) - before == bondOf[faultId], "the bond came back changed");
        bondsReturned += bondOf[faultId];
    }

    /// @dev Votes that find no fault, or no bytes.
    function dismisses(uint256 seed, uint8 voters, bool draws) external quiet {
        bytes32 faultId = running(seed);
        if (seed % 3 != 0) pass(1 days);
        if (!known[faultId] || evidenceOf[faultId].length > 0) return;
        uint256 count = bound(voters, 2, MEMBERS);
        bool quorum = isQuorum(count);
        bytes memory evidence = dismissalOf(nodeOfFault[faultId], saltOf[faultId], draws ? 255 : 0, count);
        uint256 before = token.balanceOf(openerOf[faultId]);
        uint256 ofNode = token.balanceOf(node(nodeOfFault[faultId]));
        uint256 ofTreasury = token.balanceOf(treasury);
        bytes memory data = draws ? abi.encodeCall(verifier.draw, (evidence)) : abi.encodeCall(verifier.reject, (evidence));
        if (!tell(someone(seed >> 8), address(verifier), data)) return;
        spoil(quorum, "dismissed without a quorum");
        if (draws) return returned(faultId, before);
        uint256 bond = bondOf[faultId];
        uint256 toNode = token.balanceOf(node(nodeOfFault[faultId])) - ofNode;
        // Whoever opens against itself gets a fifth back, as everybody who could be the accused.
        spoil(toNode * 5 <= bond, "more than a fifth to the accused");
        spoil(toNode + token.balanceOf(treasury) - ofTreasury == bond, "a lost bond went elsewhere");
        bondsReturned += bond;
    }

    function isQuorum(uint256 count) internal view returns (bool) {
        uint256 weight;
        for (uint256 j = 0; j < count; j++) {
            uint256 own = registry.activeWeightOf(member(j));
            if (own == 0) return false;
            weight += own;
        }
        return count >= 3 && weight * 3 > registry.totalWeight() * 2;
    }

    function expires(uint256 seed) external quiet {
        bytes32 faultId = running(seed);
        if (seed % 3 == 0) pass(6 days);
        FishermanVerifier.Case memory c = verifier.caseOf(faultId);
        uint256 before = token.balanceOf(openerOf[faultId]);
        bool ok = tell(someone(seed >> 8), address(verifier), abi.encodeCall(verifier.expire, (faultId)));
        if (!ok) return;
        spoil(block.timestamp >= c.expiresAt, "a case ended early");
        returned(faultId, before);
    }

    // ----------------------------------------------------------------------------------------------------------- after conviction

    function judges(uint256 seed) external quiet {
        address who = seed % 4 == 0 ? someone(seed >> 8) : judge;
        bytes32 faultId = convicted(seed);
        tell(who, address(oracle), seed % 2 == 0 ? abi.encodeCall(oracle.overturn, (faultId)) : abi.encodeCall(oracle.uphold, (faultId)));
    }

    function filesAppeal(uint256 seed) external quiet {
        bytes32 faultId = convicted(seed);
        address who = someone(seed >> 8);
        uint256 bond = verifier.appealBond();
        give(who, bond);
        vm.prank(who);
        token.approve(address(verifier), bond);
        if (!tell(who, address(verifier), abi.encodeCall(verifier.fileAppeal, (faultId, bytes32(seed))))) return;
        spoil(appellantOf[faultId] == address(0), "appealed twice");
        (appellantOf[faultId], appealBondOf[faultId]) = (who, bond);
        appealBondsHeld += bond;
    }

    function settles(uint256 seed) external quiet {
        bytes32 faultId = convicted(seed);
        if (seed % 3 == 0) pass(14 days);
        uint256 releaseAt = verifier.caseOf(faultId).releaseAt;
        uint256 amount = amountOf[faultId];
        uint256 ofFinder = token.balanceOf(finderOf[faultId]);
        uint256 ofTreasury = token.balanceOf(treasury);
        bool ok = tell(someone(seed >> 8), address(verifier), abi.encodeCall(verifier.settle, (faultId)));
        if (!ok) return;
        bool heard = appellantOf[faultId] != address(0) && oracle.isUpheld(faultId);
        spoil(block.timestamp >= releaseAt || heard, "paid before the appeal window ended");
        spoil(!oracle.isOverturned(faultId), "an overturned one was paid");
        paidToFinders += token.balanceOf(finderOf[faultId]) - ofFinder;
        // The bond of an appeal that was wrong comes on top.
        paidToTreasury += token.balanceOf(treasury) - ofTreasury - appealBondOf[faultId];
        appealBondsHeld -= appealBondOf[faultId];
        settledSum += amount;
        heldNow -= amount;
    }

    function appeals(uint256 seed) external quiet {
        bytes32 faultId = convicted(seed);
        address accused = node(nodeOfFault[faultId]);
        uint256 before = token.balanceOf(accused);
        bool ok = tell(someone(seed >> 8), address(verifier), abi.encodeCall(verifier.appeal, (faultId)));
        if (!ok) return;
        uint256 bond = appellantOf[faultId] == accused ? appealBondOf[faultId] : 0;
        spoil(oracle.isOverturned(faultId), "refunded without the oracle");
        spoil(token.balanceOf(accused) - before == amountOf[faultId] + bond, "not refunded whole");
        appealBondsHeld -= appealBondOf[faultId];
        refunded += amountOf[faultId];
        heldNow -= amountOf[faultId];
    }

    function penalises(uint256 seed, uint256 count) external quiet {
        bytes32 faultId = pick(seed, FishermanVerifier.CaseState.Refunded, FishermanVerifier.CaseState.Refunded);
        count = seed % 4 == 0 ? bound(count, 0, MEMBERS) : votersOf[faultId];
        uint256 held = token.balanceOf(address(verifier));
        bytes memory data = abi.encodeCall(verifier.penaliseSigners, (faultId, membersUpTo(count)));
        if (!tell(someone(seed >> 8), address(verifier), data)) return;
        spoil(oracle.isOverturned(faultId), "fined without the oracle");
        spoil(count == votersOf[faultId] && count >= 3, "others than the signers were fined");
        spoil(token.balanceOf(address(verifier)) == held, "a fine stayed");
        for (uint256 i = 0; i < count; i++) {
            (uint128 bond, , ) = registry.accounts(member(i));
            spoil(bond == 0, "a false signer kept its bond");
        }
    }

    // --------------------------------------------------------------------------------------------------------------- heartbeats

    function anchors(uint256 seed, uint64 size) external quiet {
        address who = seed % 8 == 0 ? someone(seed >> 8) : member((seed >> 8) % MEMBERS);
        FishermanRegistry.Head memory old = registry.headOf(who);
        // Who anchored the longest log that there is can only repeat it, which is refused.
        uint64 next = seed % 4 == 0 || old.size == type(uint64).max ? size : old.size + 1;
        if (!tell(who, address(registry), abi.encodeCall(registry.anchorHead, (old.epoch, next, bytes32(seed))))) return;
        spoil(next > old.size, "a head that did not grow");
        spoil(registry.headOf(who).seenAt == block.timestamp, "seen");
    }

    function marksSilent(uint256 seed) external quiet {
        // Mostly people: members who sleep would end all quorums.
        address who = seed % 16 == 0 ? member((seed >> 8) % MEMBERS) : person((seed >> 8) % PEOPLE);
        uint64 seenAt = registry.headOf(who).seenAt;
        if (!tell(someone(seed >> 16), address(registry), abi.encodeCall(registry.markSilent, (who)))) return;
        spoil(block.timestamp >= seenAt + 3 days, "silenced early");
        spoil(registry.activeWeightOf(who) == 0, "silent and counted");
    }

    // --------------------------------------------------------------------------------------------------------------------- views

    function faultCount() external view returns (uint256) {
        return ids.length;
    }

    function faultAt(uint256 i) external view returns (bytes32 faultId, uint256 ofNode) {
        return (ids[i], nodeOfFault[ids[i]]);
    }

    function nodeOf(uint256 i) external view returns (address) {
        return node(i);
    }

    function nodeCount() external pure returns (uint256) {
        return NODES;
    }

    function mintedSum() external view returns (uint256) {
        return minted;
    }

    function world() external view returns (address, address, address, address) {
        return (address(token), address(registry), address(deposit), address(verifier));
    }

    /// @dev What everybody but the three contracts holds.
    function pockets() external view returns (uint256 sum) {
        for (uint256 i = 0; i < MEMBERS; i++) sum += token.balanceOf(member(i));
        for (uint256 i = 0; i < NODES; i++) sum += token.balanceOf(node(i));
        for (uint256 i = 0; i < PEOPLE; i++) sum += token.balanceOf(person(i));
        sum += token.balanceOf(governor) + token.balanceOf(guardian) + token.balanceOf(treasury);
        sum += token.balanceOf(judge) + token.balanceOf(stranger);
    }
}
