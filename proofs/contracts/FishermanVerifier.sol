// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Digests} from "./Digests.sol";
import {FishermanRegistry} from "./FishermanRegistry.sol";
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
/// accused's deposit, it may answer, then votes convict or the case expires. What was taken waits here for the appeal window; then a tenth
/// goes to the finder and the rest to the treasury. A fault can be used once. No role can take stake.
contract FishermanVerifier is IConvictions, Parameters, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice 3 % for contradicting oneself or returning the source.
    uint256 public constant OBJECTIVE_PPM = 30_000;
    /// @notice 1 % for pixels that were not there (O5).
    uint256 public constant METERING_PPM = 10_000;
    /// @notice 0.5 % for fingerprints that contradict each other (O6).
    uint256 public constant CONTRADICTION_PPM = 5_000;
    /// @notice 1 % for what votes convict of.
    uint256 public constant REPLAY_PPM = 10_000;
    /// @notice The finder's share of what was taken. At most 20 % may go to anyone who could be the accused itself.
    uint256 public constant FINDER_PPM = 100_000;

    enum CaseState {
        None,
        Open,
        Answered,
        Convicted,
        Settled,
        Expired,
        Refunded
    }

    /// @notice One accusation. Times in Unix seconds, amounts in 10^-18 tokens.
    struct Case {
        address transcoder;
        uint8 faultClass;
        CaseState state;
        /// @dev round of the conviction.
        uint64 round;
        address finder;
        /// @dev until then the accused may answer and nobody can convict; 0 for O classes.
        uint48 answerUntil;
        /// @dev end of the appeal window; 0 before conviction.
        uint48 releaseAt;
        /// @dev taken and still or once held here.
        uint128 amount;
        /// @dev the opener's bond, returned when the case ends.
        uint128 bond;
        address opener;
        uint48 openedAt;
        uint48 expiresAt;
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
    mapping(address transcoder => bytes32[]) private _convictions;
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
    event CaseExpired(bytes32 indexed faultId, address opener, uint256 bond);
    event Settled(bytes32 indexed faultId, address finder, uint256 toFinder, uint256 toTreasury);
    event Refunded(bytes32 indexed faultId, address transcoder, uint256 amount);

    error AlreadyCommitted(uint256 committedAt);
    /// @notice The sender made no such commitment (another's salt is of no use).
    error NotCommitted(bytes32 commitment);
    error CommitTooYoung(uint256 revealableAt);
    error CommitTooOld(uint256 expiredAt);
    /// @notice This fault was already used; `state` says how its case stands.
    error AlreadyUsed(bytes32 faultId, CaseState state);
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

    constructor(
        Wiring memory wiring,
        Times memory times,
        Roles memory roles,
        Amounts memory amounts
    ) Parameters(times, roles, amounts) {
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
        c.transcoder = fault.transcoder;
        c.faultClass = faultClass;
        uint256 ppm = faultClass == 5 ? METERING_PPM : faultClass == 6 ? CONTRADICTION_PPM : OBJECTIVE_PPM;
        _convict(c, fault, msg.sender, objectiveSlasher, ppm);
    }

    // ---------------------------------------------------------------------------------------------------------------- D classes

    /// @notice Accuses, and freezes the accused's deposit until conviction or expiry. Only registered, active fishermen; takes `openBond`.
    /// @param evidenceHash names the inputs of the verdict, for the accused to find the bundle.
    function open(
        uint8 faultClass,
        Digests.TranscodeReceipt calldata receipt,
        bytes calldata signature,
        bytes32 evidenceHash
    ) external whenNotPaused nonReentrant {
        if (registry.activeWeightOf(msg.sender) == 0) revert NotMember(msg.sender);
        IFaultVerifier.Fault memory fault = faultVerifier.checkAccusation(faultClass, receipt, signature);
        Case storage c = _cases[fault.faultId];
        if (c.state != CaseState.None) revert AlreadyUsed(fault.faultId, c.state);
        c.transcoder = fault.transcoder;
        c.faultClass = faultClass;
        c.state = CaseState.Open;
        c.answerUntil = uint48(block.timestamp) + answerSeconds;
        c.opener = msg.sender;
        c.bond = uint128(openBond);
        c.openedAt = uint48(block.timestamp);
        c.expiresAt = uint48(block.timestamp) + caseSeconds;
        emit CaseOpened(
            fault.faultId,
            fault.transcoder,
            faultClass,
            msg.sender,
            fault.receiptDigest,
            evidenceHash,
            c.bond,
            c.answerUntil,
            c.expiresAt
        );
        deposit.freeze(fault.transcoder);
        token.safeTransferFrom(msg.sender, address(this), c.bond);
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
        (IFaultVerifier.Fault memory fault, address finder) = _checkConviction(faultClass, evidence);
        Case storage c = _cases[fault.faultId];
        _requireOpen(c, fault.faultId);
        if (block.timestamp < c.answerUntil) revert AnswerWindowOpen(c.answerUntil);
        if (block.timestamp >= c.expiresAt) revert CaseOver(c.expiresAt);
        (address opener, uint256 bond) = (c.opener, c.bond);
        c.bond = 0;
        _convict(c, fault, finder, depositSlasher, REPLAY_PPM);
        deposit.unfreeze(fault.transcoder);
        token.safeTransfer(opener, bond);
    }

    /// @notice Ends a case that nobody convicted in time: drawn, the bond goes back and the deposit is free. Anybody may.
    function expire(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        _requireOpen(c, faultId);
        if (block.timestamp < c.expiresAt) revert CaseNotOver(c.expiresAt);
        (address opener, uint256 bond) = (c.opener, c.bond);
        c.state = CaseState.Expired;
        c.bond = 0;
        emit CaseExpired(faultId, opener, bond);
        deposit.unfreeze(c.transcoder);
        token.safeTransfer(opener, bond);
    }

    // ------------------------------------------------------------------------------------------------------------- after conviction

    /// @notice Pays out what a conviction took, once the appeal window is over. Anybody may.
    function settle(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Convicted) revert NotConvicted(faultId, c.state);
        if (block.timestamp < c.releaseAt) revert AppealWindowOpen(c.releaseAt);
        if (oracle.isOverturned(faultId)) revert IsOverturned(faultId);
        c.state = CaseState.Settled;
        uint256 toFinder = (c.amount * FINDER_PPM) / PPM;
        uint256 toTreasury = c.amount - toFinder;
        emit Settled(faultId, c.finder, toFinder, toTreasury);
        token.safeTransfer(c.finder, toFinder);
        token.safeTransfer(treasury, toTreasury);
    }

    /// @notice Refunds a conviction that the oracle overturned; anybody may, also after the window as long as nothing was paid out.
    function appeal(bytes32 faultId) external nonReentrant {
        Case storage c = _cases[faultId];
        if (c.state != CaseState.Convicted) revert NotConvicted(faultId, c.state);
        if (!oracle.isOverturned(faultId)) revert NotOverturned(faultId);
        c.state = CaseState.Refunded;
        emit Refunded(faultId, c.transcoder, c.amount);
        token.safeTransfer(c.transcoder, c.amount);
    }

    // --------------------------------------------------------------------------------------------------------------------- views

    /// @notice The whole case; all zero for an unknown fault.
    function caseOf(bytes32 faultId) external view returns (Case memory) {
        return _cases[faultId];
    }

    /// @inheritdoc IConvictions
    function isConvicted(bytes32 faultId) public view returns (bool) {
        CaseState state = _cases[faultId].state;
        return state == CaseState.Convicted || state == CaseState.Settled;
    }

    /// @inheritdoc IConvictions
    function convictionsOf(address transcoder, uint256 sinceRound) external view returns (bytes32[] memory faultIds) {
        bytes32[] storage all = _convictions[transcoder];
        uint256 first = all.length;
        // Rounds only grow, so the walk from the newest can stop at the first that is too old.
        while (first > 0 && _cases[all[first - 1]].round >= sinceRound) first--;
        uint256 count;
        faultIds = new bytes32[](all.length - first);
        for (uint256 i = all.length; i > first; i--) {
            if (isConvicted(all[i - 1])) faultIds[count++] = all[i - 1];
        }
        assembly ("memory-safe") {
            mstore(faultIds, count)
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ internals

    function _convict(
        Case storage c,
        IFaultVerifier.Fault memory fault,
        address finder,
        ISlasher slasher,
        uint256 ppm
    ) private {
        uint256 round = rounds.currentRound();
        c.state = CaseState.Convicted;
        c.round = uint64(round);
        c.finder = finder;
        c.releaseAt = uint48(block.timestamp) + appealSeconds;
        _convictions[fault.transcoder].push(fault.faultId);
        // What arrived is measured, not believed: only that can be paid out again.
        uint256 before = token.balanceOf(address(this));
        _takeWithin(slasher, fault.transcoder, ppm, round);
        uint256 amount = token.balanceOf(address(this)) - before;
        c.amount = uint128(amount);
        emit Convicted(fault.faultId, fault.transcoder, c.faultClass, finder, amount, fault.receiptDigest);
        emit Held(fault.faultId, amount, c.releaseAt);
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
    ) private view returns (IFaultVerifier.Fault memory, address) {
        try faultVerifier.checkConviction(faultClass, evidence) returns (
            IFaultVerifier.Fault memory fault,
            address finder
        ) {
            return (fault, finder);
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
