// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Digests} from "./Digests.sol";
import {FishermanRegistry} from "./FishermanRegistry.sol";
import {IBondHold} from "./IBondHold.sol";
import {IConvictions} from "./IConvictions.sol";
import {IDecoderOracle} from "./IDecoderOracle.sol";
import {IFaultVerifier} from "./IFaultVerifier.sol";
import {ISlasher} from "./ISlasher.sol";
import {Parameters} from "./Parameters.sol";
import {SecurityDeposit} from "./SecurityDeposit.sol";
import {SignerDelegation} from "./SignerDelegation.sol";
import {IRoundsManager} from "./IRoundsManager.sol";

/// @title FishermanVerifier: proofs in, stake out
/// @notice Ledger of all cases. O classes: commit, then reveal the proof, and the stake moves at once. D classes: a bonded `open` freezes the
/// accused's deposit, it may answer, then votes convict, reject or draw, or the case expires. What was taken waits here for the appeal
/// window; then a tenth goes to the finder and the rest to the treasury. A fault can be used once. No role can take stake.
contract FishermanVerifier is IConvictions, IBondHold, Parameters, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice 3 % for contradicting oneself, for reusing work, for returning the source, for selling one file twice.
    uint256 public constant OBJECTIVE_PPM = 30_000;
    /// @notice 1 % for pixels that were not there (O5).
    uint256 public constant METERING_PPM = 10_000;
    /// @notice 0.5 % for fingerprints that contradict each other (O6).
    uint256 public constant CONTRADICTION_PPM = 5_000;
    /// @notice 1 % for what votes convict of.
    uint256 public constant REPLAY_PPM = 10_000;
    /// @notice The finder's share of what was taken. At most 20 % may go to anyone who could be the accused itself.
    uint256 public constant FINDER_PPM = 100_000;
    /// @notice The accused's share of the bond of a rejected case; as low as the finder's, for the same reason.
    uint256 public constant ACCUSED_PPM = 200_000;

    /// @dev Numbers are read by clients: new states come last.
    enum CaseState {
        None,
        Open,
        Answered,
        Convicted,
        Settled,
        Expired,
        Refunded,
        Rejected,
        Drawn
    }

    /// @notice One accusation. Times in Unix seconds, amounts in 10^-18 tokens. An O class needs the first two slots only. Two fields are used
    /// twice, since a slot that is written anew costs a fifth of a fresh one; the events keep what they held before.
    struct Case {
        address transcoder;
        uint8 faultClass;
        CaseState state;
        /// @dev round of the conviction.
        uint32 round;
        /// @dev end of the appeal window; 0 before conviction.
        uint48 releaseAt;
        /// @dev who opened the case; once it is convicted, the finder.
        address claimant;
        /// @dev the opener's bond, held until the case ends; once it is convicted, what was taken.
        uint96 amount;
        /// @dev until then the accused may answer and nobody can convict; 0 for O classes.
        uint48 answerUntil;
        uint48 expiresAt;
        /// @dev names the inputs of the verdict, and all votes must name the same; once it is convicted,
        /// keccak256(abi.encodePacked(address[] signers)), ascending. Zero for O classes, and once the signers were penalised.
        bytes32 inputsOrSigners;
        /// @dev the transcoder's conviction before this one; zero for its first.
        bytes32 previous;
    }

    /// @notice A bonded objection to a conviction. One slot.
    struct Appeal {
        address appellant;
        uint96 bond;
    }

    /// @notice Contracts that never change.
    struct Wiring {
        IERC20 token;
        FishermanRegistry registry;
        SecurityDeposit deposit;
        SignerDelegation delegation;
        IRoundsManager rounds;
        /// @dev takes for the D classes: the security deposit and nothing else.
        ISlasher depositSlasher;
        IFaultVerifier faultVerifier;
        ISlasher objectiveSlasher;
        IDecoderOracle oracle;
    }

    IERC20 public immutable token;
    FishermanRegistry public immutable registry;
    SecurityDeposit public immutable deposit;
    SignerDelegation public immutable delegation;
    IRoundsManager public immutable rounds;
    ISlasher public immutable depositSlasher;

    mapping(bytes32 faultId => Case) private _cases;
    /// @dev Inputs that a case of this fault was opened about; nobody is accused twice of the same.
    mapping(bytes32 faultId => mapping(bytes32 evidenceHash => bool)) private _accused;
    /// @notice The open appeal of a case; all zero where there is none.
    mapping(bytes32 faultId => Appeal) public appeals;
    /// @dev A list of cases by `previous`: the first conviction of a node, the most frequent one, costs one slot less than in an array.
    mapping(address transcoder => bytes32 faultId) private _newest;
    /// @notice Unix seconds of a commitment; kept by sender, so that nobody can occupy or renew another's.
    mapping(address sender => mapping(bytes32 commitment => uint256)) public committedAt;

    event Committed(address indexed sender, bytes32 indexed commitment);
    event CaseOpened(
        bytes32 indexed faultId,
        address indexed transcoder,
        uint8 indexed faultClass,
        address opener,
        bytes32 receiptDigest,
        bytes32 evidenceHash,
        uint256 bond,
        uint48 answerUntil,
        uint48 expiresAt
    );
    event CaseAnswered(bytes32 indexed faultId, address by, bytes32 rebuttalHash);
    /// @notice What a conviction took is held until `releaseAt`.
    event Held(bytes32 indexed faultId, uint256 amount, uint48 releaseAt);
    /// @notice Nobody judged the case and the accused did not answer; the bond went back.
    event CaseExpired(bytes32 indexed faultId, address opener, uint256 bond);
    /// @notice Votes found no fault: the opener's bond is lost.
    event CaseRejected(bytes32 indexed faultId, address opener, uint256 toAccused, uint256 toTreasury);
    /// @notice No quorum, or no bytes: nobody is to blame, and the bond went back.
    event CaseDrawn(bytes32 indexed faultId, address opener, uint256 bond);
    /// @notice The wait for the oracle; `releaseAt` is the new end of it.
    event Appealed(bytes32 indexed faultId, address indexed appellant, bytes32 claimHash, uint256 bond, uint48 releaseAt);
    /// @notice The bond of an appeal: back to the appellant when it was right, else to the treasury.
    event AppealClosed(bytes32 indexed faultId, address appellant, uint256 bond, bool overturned);
    event Settled(bytes32 indexed faultId, address finder, uint256 toFinder, uint256 toTreasury);
    event SignersPenalised(bytes32 indexed faultId, uint256 toTranscoder, uint256 toTreasury);

    error AlreadyCommitted(uint256 committedAt);
    /// @notice The sender made no such commitment (another's salt is of no use).
    error NotCommitted(bytes32 commitment);
    error CommitTooYoung(uint256 revealableAt);
    error CommitTooOld(uint256 expiredAt);
    /// @notice This fault was already used; `state` says how its case stands.
    error AlreadyUsed(bytes32 faultId, CaseState state);
    /// @notice A case about these very inputs was opened before.
    error AlreadyAccused(bytes32 faultId, bytes32 evidenceHash);
    error NoOpenCase(bytes32 faultId, CaseState state);
    error NotConvicted(bytes32 faultId, CaseState state);
    error NotMember(address caller);
    error NotAccused(address caller);
    error AnswerWindowOpen(uint256 until);
    error AnswerWindowOver(uint256 until);
    error CaseOver(uint256 expiredAt);
    error CaseNotOver(uint256 expiresAt);
    error AppealWindowOpen(uint256 until);
    error AppealWindowOver(uint256 until);
    error NotOverturned(bytes32 faultId);
    error IsOverturned(bytes32 faultId);
    /// @notice The evidence is not the ABI encoding that its class asks for.
    error MalformedEvidence();
    /// @notice The votes name other inputs than the case.
    error WrongEvidence(bytes32 inVotes, bytes32 inCase);
    /// @notice Members judge by another version of the verdict's lines: nobody could reject such a case.
    error VerdictVersionNotInForce(uint32 version);
    error AlreadyAppealed(bytes32 faultId);
    /// @notice Not the signers of this conviction, or they were penalised before.
    error WrongSigners(bytes32 faultId);

    constructor(
        Wiring memory wiring,
        Times memory times,
        Roles memory roles,
        Amounts memory amounts,
        uint32 verdictVersion_
    ) Parameters(times, roles, amounts, verdictVersion_) {
        token = wiring.token;
        registry = wiring.registry;
        deposit = wiring.deposit;
        delegation = wiring.delegation;
        rounds = wiring.rounds;
        depositSlasher = wiring.depositSlasher;
        faultVerifier = wiring.faultVerifier;
        objectiveSlasher = wiring.objectiveSlasher;
        oracle = wiring.oracle;
    }

    // ---------------------------------------------------------------------------------------------------------------- O classes

    /// @notice Promises a proof without naming anybody.
    /// @param commitment keccak256(abi.encode("commit", sender, faultId, salt)).
    function commit(bytes32 commitment) external whenNotPaused {
        uint256 known = committedAt[msg.sender][commitment];
        if (known != 0) revert AlreadyCommitted(known);
        committedAt[msg.sender][commitment] = block.timestamp;
        emit Committed(msg.sender, commitment);
    }

    /// @notice Proves an O class and takes stake at once. The first valid reveal wins; a copier has no commitment of the needed age.
    function reveal(uint8 faultClass, bytes calldata evidence, bytes32 salt) external whenNotPaused nonReentrant {
        IFaultVerifier.Fault memory fault = _checkObjective(faultClass, evidence);
        Case storage c = _cases[fault.faultId];
        if (c.state != CaseState.None) revert AlreadyUsed(fault.faultId, c.state);
        _useCommitment(fault.faultId, salt);
        uint256 ppm = faultClass == 5 ? METERING_PPM : faultClass == 6 ? CONTRADICTION_PPM : OBJECTIVE_PPM;
        _convict(c, fault, faultClass, msg.sender, objectiveSlasher, ppm);
    }

    // ---------------------------------------------------------------------------------------------------------------- D classes

    /// @notice Accuses, and freezes the accused's deposit until the case ends. Only registered, active fishermen; takes `openBond`.
    /// A case that ended without a conviction (rejected, drawn, expired) can be followed by one about other inputs of the same receipt, so that
    /// nobody shields a receipt by having a friend accuse it of something sham first. That is safe for the accused: a receipt has at most one
    /// case of a class at a time, each has the whole time to answer, its own bond, and votes about these inputs only (older votes name
    /// others); nobody is accused twice of the same inputs; a conviction, also an overturned one, is the last; and the statute ends it all.
    /// @param leaf the rendition that the verdict is about, and its path to the receipt's renditionsRoot.
    /// @param version version of the lines that it was judged by, one in force; with it the contract names the inputs, for the accused to
    /// find the bundle and for the votes to mean the same. All else that names them is under the accused's signature. A case that is open
    /// when its version goes out of force is decided as any other.
    function open(
        uint8 faultClass,
        Digests.TranscodeReceipt calldata receipt,
        bytes calldata signature,
        Digests.Rendition calldata leaf,
        bytes32[] calldata path,
        uint32 version
    ) external whenNotPaused nonReentrant {
        if (registry.activeWeightOf(msg.sender) == 0) revert NotMember(msg.sender);
        (IFaultVerifier.Fault memory fault, bytes32 evidenceHash) = faultVerifier.checkAccusation(
            faultClass,
            receipt,
            signature,
            leaf,
            path,
            version
        );
        if (!isInForce(version)) revert VerdictVersionNotInForce(version);
        _open(fault, faultClass, evidenceHash);
    }

    function _open(IFaultVerifier.Fault memory fault, uint8 faultClass, bytes32 evidenceHash) private {
        Case storage c = _cases[fault.faultId];
        CaseState state = c.state;
        if (state != CaseState.None && state != CaseState.Rejected && state != CaseState.Drawn && state != CaseState.Expired) {
            revert AlreadyUsed(fault.faultId, state);
        }
        if (_accused[fault.faultId][evidenceHash]) revert AlreadyAccused(fault.faultId, evidenceHash);
        _accused[fault.faultId][evidenceHash] = true;
        uint96 bond = openBond;
        (uint48 answerUntil, uint48 expiresAt) = (uint48(block.timestamp) + answerSeconds, uint48(block.timestamp) + caseSeconds);
        (c.transcoder, c.faultClass, c.state) = (fault.transcoder, faultClass, CaseState.Open);
        (c.claimant, c.amount) = (msg.sender, bond);
        (c.answerUntil, c.expiresAt) = (answerUntil, expiresAt);
        c.inputsOrSigners = evidenceHash;
        emit CaseOpened(
            fault.faultId,
            fault.transcoder,
            faultClass,
            msg.sender,
            fault.receiptDigest,
            evidenceHash,
            bond,
            answerUntil,
            expiresAt
        );
        deposit.freeze(fault.transcoder);
        token.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @notice The accused, or a key that signs for it, states its rebuttal; once, within the answer window.
    function answer(bytes32 faultId, bytes32 rebuttalHash) external {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Open) revert NoOpenCase(faultId, c.state);
        if (block.timestamp >= c.answerUntil) revert AnswerWindowOver(c.answerUntil);
        if (!delegation.isSigner(c.transcoder, msg.sender, rounds.currentRound())) revert NotAccused(msg.sender);
        c.state = CaseState.Answered;
        emit CaseAnswered(faultId, msg.sender, rebuttalHash);
    }

    /// @notice Convicts by votes of more than two thirds of the registered weight; anybody may bring them. Takes 1 % of the deposit.
    function convict(uint8 faultClass, bytes calldata evidence) external whenNotPaused nonReentrant {
        IFaultVerifier.Outcome memory outcome = _checkConviction(faultClass, evidence);
        bytes32 faultId = outcome.fault.faultId;
        Case storage c = _cases[faultId];
        _requireUndecided(c, outcome);
        if (block.timestamp < c.answerUntil) revert AnswerWindowOpen(c.answerUntil);
        (address opener, uint96 bond) = (c.claimant, c.amount);
        c.inputsOrSigners = outcome.signersHash;
        lastVerdictAt = uint48(block.timestamp);
        _convict(c, outcome.fault, faultClass, outcome.finder, depositSlasher, REPLAY_PPM);
        deposit.unfreeze(outcome.fault.transcoder);
        token.safeTransfer(opener, bond);
    }

    /// @notice Ends a case by votes that found no fault. A fifth of the opener's bond goes to the accused, the rest to the treasury.
    /// @param evidence as for `convict`, votes with faultClass 0 about the case's faultId. Anybody may bring them, also before the accused
    /// answered: they can only help it.
    function reject(bytes calldata evidence) external nonReentrant {
        IFaultVerifier.Outcome memory outcome = _checkDismissal(0, evidence);
        bytes32 faultId = outcome.fault.faultId;
        Case storage c = _cases[faultId];
        _requireUndecided(c, outcome);
        c.state = CaseState.Rejected;
        uint256 toAccused = (c.amount * ACCUSED_PPM) / PPM;
        uint256 toTreasury = c.amount - toAccused;
        emit CaseRejected(faultId, c.claimant, toAccused, toTreasury);
        deposit.unfreeze(c.transcoder);
        token.safeTransfer(c.transcoder, toAccused);
        token.safeTransfer(treasury, toTreasury);
    }

    /// @notice Ends a case by votes that could not get the bytes (faultClass 255): nobody is to blame, the bond goes back. Not before the
    /// accused's time to answer is over, for it may still bring them.
    function draw(bytes calldata evidence) external nonReentrant {
        IFaultVerifier.Outcome memory outcome = _checkDismissal(255, evidence);
        Case storage c = _cases[outcome.fault.faultId];
        _requireUndecided(c, outcome);
        if (block.timestamp < c.answerUntil) revert AnswerWindowOpen(c.answerUntil);
        _release(c, outcome.fault.faultId, CaseState.Drawn);
    }

    /// @notice Ends a case that nobody decided in time: drawn when the accused answered, else expired. The bond goes back and the deposit
    /// is free. Anybody may.
    function expire(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        _requireOpen(c, faultId);
        if (block.timestamp < c.expiresAt) revert CaseNotOver(c.expiresAt);
        _release(c, faultId, c.state == CaseState.Answered ? CaseState.Drawn : CaseState.Expired);
    }

    // ------------------------------------------------------------------------------------------------------------- after conviction

    /// @notice Objects to a conviction; anybody may, once for each case, within the appeal window. Takes `appealBond`, and gives the
    /// oracle one more window.
    /// @param claimHash names what is wrong (which frame, which value), for the oracle to find it.
    function fileAppeal(bytes32 faultId, bytes32 claimHash) external nonReentrant {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Convicted) revert NotConvicted(faultId, c.state);
        if (block.timestamp >= c.releaseAt) revert AppealWindowOver(c.releaseAt);
        if (appeals[faultId].appellant != address(0)) revert AlreadyAppealed(faultId);
        uint96 bond = appealBond;
        uint48 releaseAt = c.releaseAt + appealSeconds;
        appeals[faultId] = Appeal({appellant: msg.sender, bond: bond});
        c.releaseAt = releaseAt;
        emit Appealed(faultId, msg.sender, claimHash, bond, releaseAt);
        token.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @notice Pays out what a conviction took, once the appeal window is over, or the oracle upheld it on appeal. Anybody may.
    function settle(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Convicted) revert NotConvicted(faultId, c.state);
        if (oracle.isOverturned(faultId)) revert IsOverturned(faultId);
        if (block.timestamp < c.releaseAt && (appeals[faultId].appellant == address(0) || !oracle.isUpheld(faultId))) {
            revert AppealWindowOpen(c.releaseAt);
        }
        c.state = CaseState.Settled;
        uint256 toFinder = (c.amount * FINDER_PPM) / PPM;
        uint256 toTreasury = c.amount - toFinder;
        emit Settled(faultId, c.claimant, toFinder, toTreasury);
        token.safeTransfer(c.claimant, toFinder);
        token.safeTransfer(treasury, toTreasury);
        _closeAppeal(faultId, false);
    }

    /// @notice Refunds a conviction that the oracle overturned, and gives the bond of the appeal back; anybody may, also after the window
    /// as long as nothing was paid out.
    function appeal(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Convicted) revert NotConvicted(faultId, c.state);
        if (!oracle.isOverturned(faultId)) revert NotOverturned(faultId);
        c.state = CaseState.Refunded;
        emit Refunded(faultId, c.transcoder, c.amount);
        token.safeTransfer(c.transcoder, c.amount);
        _closeAppeal(faultId, true);
    }

    /// @notice Takes the bonds of those who signed a conviction that the oracle overturned: a replay has one result, so they signed
    /// what they did not see. What the node lost and did not get back comes first, the rest goes to the treasury. Anybody may, once.
    /// @param signers all of them, ascending, as the conviction had them.
    function penaliseSigners(bytes32 faultId, address[] calldata signers) external nonReentrant {
        Case storage c = _cases[faultId];
        // An overturned conviction that still holds its money is refunded first.
        if (c.state != CaseState.Refunded && c.state != CaseState.Settled) revert NotConvicted(faultId, c.state);
        if (!oracle.isOverturned(faultId)) revert NotOverturned(faultId);
        bytes32 known = c.inputsOrSigners;
        if (known == 0 || known != keccak256(abi.encodePacked(signers))) revert WrongSigners(faultId);
        c.inputsOrSigners = 0;
        uint256 owed = c.state == CaseState.Settled ? c.amount : 0;
        c.state = CaseState.Refunded;
        uint256 taken;
        for (uint256 i = 0; i < signers.length; i++) {
            taken += registry.penalise(signers[i], type(uint256).max, address(this));
        }
        uint256 toTranscoder = _min(taken, owed);
        if (owed > 0) emit Refunded(faultId, c.transcoder, toTranscoder);
        emit SignersPenalised(faultId, toTranscoder, taken - toTranscoder);
        token.safeTransfer(c.transcoder, toTranscoder);
        token.safeTransfer(treasury, taken - toTranscoder);
    }

    // --------------------------------------------------------------------------------------------------------------------- views

    /// @notice The whole case; all zero for an unknown fault.
    function caseOf(bytes32 faultId) external view returns (Case memory) {
        return _cases[faultId];
    }

    /// @inheritdoc IBondHold
    /// @dev The newest conviction by votes, its appeal window, the oracle's, and the length of a case for somebody to call `penaliseSigners`.
    function bondsNeededUntil() external view returns (uint256) {
        return uint256(lastVerdictAt) + 2 * uint256(appealSeconds) + caseSeconds;
    }

    /// @inheritdoc IConvictions
    function isConvicted(bytes32 faultId) public view returns (bool) {
        CaseState state = _cases[faultId].state;
        return state == CaseState.Convicted || state == CaseState.Settled;
    }

    /// @inheritdoc IConvictions
    function convictionsOf(address transcoder, uint256 sinceRound) external view returns (bytes32[] memory faultIds) {
        uint256 count;
        // Rounds only grow, so the walk from the newest can stop at the first that is too old.
        for (bytes32 id = _newest[transcoder]; id != 0 && _cases[id].round >= sinceRound; id = _cases[id].previous) {
            if (isConvicted(id)) count++;
        }
        faultIds = new bytes32[](count);
        bytes32 next = _newest[transcoder];
        for (uint256 i = 0; i < count; next = _cases[next].previous) {
            if (isConvicted(next)) faultIds[i++] = next;
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ internals

    function _convict(
        Case storage c,
        IFaultVerifier.Fault memory fault,
        uint8 faultClass,
        address finder,
        ISlasher slasher,
        uint256 ppm
    ) private {
        uint256 round = rounds.currentRound();
        // Before the call, so that nothing which the slasher calls sees the fault as unused.
        c.transcoder = fault.transcoder;
        c.faultClass = faultClass;
        c.state = CaseState.Convicted;
        c.round = uint32(round);
        c.releaseAt = uint48(block.timestamp) + appealSeconds;
        bytes32 previous = _newest[fault.transcoder];
        if (previous != 0) c.previous = previous;
        _newest[fault.transcoder] = fault.faultId;
        // What arrived is measured, not believed: only that can be paid out again.
        uint256 before = token.balanceOf(address(this));
        _takeWithin(slasher, fault.transcoder, ppm, round);
        uint256 amount = token.balanceOf(address(this)) - before;
        c.claimant = finder;
        c.amount = uint96(amount);
        emit Convicted(fault.faultId, fault.transcoder, faultClass, finder, amount, fault.receiptDigest);
        emit Held(fault.faultId, amount, uint48(block.timestamp) + appealSeconds);
    }

    /// @dev Ends a case without a fault of anybody.
    function _release(Case storage c, bytes32 faultId, CaseState state) private {
        (address opener, uint256 bond) = (c.claimant, c.amount);
        c.state = state;
        if (state == CaseState.Drawn) emit CaseDrawn(faultId, opener, bond);
        else emit CaseExpired(faultId, opener, bond);
        deposit.unfreeze(c.transcoder);
        token.safeTransfer(opener, bond);
    }

    function _closeAppeal(bytes32 faultId, bool overturned) private {
        Appeal memory filed = appeals[faultId];
        if (filed.appellant == address(0)) return;
        delete appeals[faultId];
        emit AppealClosed(faultId, filed.appellant, filed.bond, overturned);
        token.safeTransfer(overturned ? filed.appellant : treasury, filed.bond);
    }

    function _useCommitment(bytes32 faultId, bytes32 salt) private {
        bytes32 commitment = keccak256(abi.encode("commit", msg.sender, faultId, salt));
        uint256 since = committedAt[msg.sender][commitment];
        if (since == 0) revert NotCommitted(commitment);
        if (block.timestamp < since + minCommitAge) revert CommitTooYoung(since + minCommitAge);
        if (block.timestamp > since + maxCommitAge) revert CommitTooOld(since + maxCommitAge);
        delete committedAt[msg.sender][commitment];
    }

    function _requireOpen(Case storage c, bytes32 faultId) private view {
        if (c.state != CaseState.Open && c.state != CaseState.Answered) revert NoOpenCase(faultId, c.state);
    }

    /// @dev The case is open, not over, and the votes are about its inputs.
    function _requireUndecided(Case storage c, IFaultVerifier.Outcome memory outcome) private view {
        _requireOpen(c, outcome.fault.faultId);
        if (block.timestamp >= c.expiresAt) revert CaseOver(c.expiresAt);
        if (outcome.evidenceHash != c.inputsOrSigners) revert WrongEvidence(outcome.evidenceHash, c.inputsOrSigners);
    }

    function _checkObjective(
        uint8 faultClass,
        bytes calldata evidence
    ) private view returns (IFaultVerifier.Fault memory) {
        try faultVerifier.checkObjective(faultClass, evidence) returns (IFaultVerifier.Fault memory fault) {
            return fault;
        } catch (bytes memory reason) {
            _rethrow(reason);
        }
    }

    function _checkConviction(
        uint8 faultClass,
        bytes calldata evidence
    ) private view returns (IFaultVerifier.Outcome memory) {
        try faultVerifier.checkConviction(faultClass, evidence) returns (IFaultVerifier.Outcome memory outcome) {
            return outcome;
        } catch (bytes memory reason) {
            _rethrow(reason);
        }
    }

    function _checkDismissal(uint8 said, bytes calldata evidence) private view returns (IFaultVerifier.Outcome memory) {
        try faultVerifier.checkDismissal(said, evidence) returns (IFaultVerifier.Outcome memory outcome) {
            return outcome;
        } catch (bytes memory reason) {
            _rethrow(reason);
        }
    }

    /// @dev A failed abi.decode says nothing, or panics over a length; give both a name.
    function _rethrow(bytes memory reason) private pure {
        if (reason.length == 0 || bytes4(reason) == 0x4e487b71) revert MalformedEvidence();
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
