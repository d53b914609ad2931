// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDecoderOracle} from "./IDecoderOracle.sol";
import {IFaultVerifier} from "./IFaultVerifier.sol";
import {ISlasher} from "./ISlasher.sol";
import {TakeLimits} from "./TakeLimits.sol";

/// @title Parameters: what may change, by whom and how slowly
/// @notice Windows of time never change; a case keeps the deadlines that it was opened with in any event. The governor can announce a new
/// value of the few things below and apply it after `timelockSeconds`. The guardian can pause new proofs, nothing else. Neither can take
/// anything from anybody.
abstract contract Parameters is TakeLimits {
    /// @notice Seconds for which the version before the newest still opens cases, so that members need not all update at once. With the
    /// longest case after it, still shorter than the statute: a sham that fewer and fewer members could judge outlasts no receipt.
    uint48 public constant VERDICT_OVERLAP = 3 days;

    /// @dev All times in seconds, all amounts in 10^-18 tokens.
    struct Times {
        uint48 minCommitAge;
        uint48 maxCommitAge;
        uint48 answerSeconds;
        uint48 caseSeconds;
        uint48 appealSeconds;
        uint48 timelockSeconds;
    }

    struct Roles {
        address governor;
        address guardian;
        address treasury;
    }

    struct Amounts {
        uint96 openBond;
        uint96 appealBond;
        uint128 dailyCap;
        uint128 minimumTake;
    }

    uint48 public immutable minCommitAge;
    uint48 public immutable maxCommitAge;
    uint48 public immutable answerSeconds;
    uint48 public immutable caseSeconds;
    uint48 public immutable appealSeconds;
    uint48 public immutable timelockSeconds;

    address public governor;
    address public guardian;
    address public treasury;
    /// @notice Fixed bond of an `open`; it comes back unless the case is rejected.
    uint96 public openBond;
    /// @notice Takes for the O classes.
    ISlasher public objectiveSlasher;
    /// @notice Fixed bond of an appeal; it comes back when the conviction is overturned.
    uint96 public appealBond;
    IFaultVerifier public faultVerifier;
    /// @notice Beside the fault verifier, in one slot: every proof reads both.
    bool public paused;
    /// @notice Unix seconds of the newest conviction by votes; 0 before the first. In the same slot, so that it costs the least.
    uint48 public lastVerdictAt;
    /// @notice Version of the verdict's lines that members judge by. In the same slot, since every `open` compares with it.
    uint32 public verdictVersion;
    IDecoderOracle public oracle;
    /// @notice The version before, and until when (Unix seconds) it opens cases too; zero before the first change.
    uint32 public earlierVersion;
    uint48 public earlierUntil;

    struct Change {
        uint256 value;
        uint48 applicableAt;
    }
    mapping(bytes32 name => Change) public changes;

    event ChangeAnnounced(bytes32 indexed name, uint256 value, uint48 applicableAt);
    event ChangeApplied(bytes32 indexed name, uint256 value);
    event Paused(bool paused);

    error InvalidTimes();
    error ZeroAddress();
    error ZeroVerdictVersion();
    error OnlyGovernor();
    error OnlyGuardian();
    error UnknownParameter(bytes32 name);
    /// @notice A number that its parameter cannot hold, or that is no address.
    error ValueTooLarge(bytes32 name, uint256 value, uint256 most);
    error ChangeNotDue(uint48 applicableAt);
    /// @notice The guardian has paused new proofs; open cases still end as they would.
    error IsPaused();

    constructor(Times memory times, Roles memory roles, Amounts memory amounts, uint32 verdictVersion_) {
        // An answer window that outlives its case would make every conviction impossible.
        if (
            times.minCommitAge == 0 ||
            times.maxCommitAge <= times.minCommitAge ||
            times.answerSeconds == 0 ||
            times.caseSeconds <= times.answerSeconds ||
            times.appealSeconds == 0
        ) revert InvalidTimes();
        if (roles.governor == address(0) || roles.guardian == address(0) || roles.treasury == address(0)) revert ZeroAddress();
        if (verdictVersion_ == 0) revert ZeroVerdictVersion();
        minCommitAge = times.minCommitAge;
        maxCommitAge = times.maxCommitAge;
        answerSeconds = times.answerSeconds;
        caseSeconds = times.caseSeconds;
        appealSeconds = times.appealSeconds;
        timelockSeconds = times.timelockSeconds;
        governor = roles.governor;
        guardian = roles.guardian;
        treasury = roles.treasury;
        openBond = amounts.openBond;
        appealBond = amounts.appealBond;
        dailyCap = amounts.dailyCap;
        minimumTake = amounts.minimumTake;
        verdictVersion = verdictVersion_;
    }

    modifier whenNotPaused() {
        if (paused) revert IsPaused();
        _;
    }

    /// @notice Stops or resumes new commits, reveals, cases and convictions.
    function setPaused(bool paused_) external {
        if (msg.sender != guardian) revert OnlyGuardian();
        paused = paused_;
        emit Paused(paused_);
    }

    /// @notice Announces a new value (addresses as numbers). Names: governor, guardian, treasury, openBond, appealBond, dailyCap, minimumTake,
    /// faultVerifier, objectiveSlasher, oracle, verdictVersion; each as bytes32 of its ASCII text. What could not be applied as it was
    /// announced is refused here: unknown names, zero addresses, no version, and numbers that the parameter cannot hold.
    function announce(bytes32 name, uint256 value) external {
        if (msg.sender != governor) revert OnlyGovernor();
        _checkChange(name, value);
        uint48 applicableAt = uint48(block.timestamp) + timelockSeconds;
        changes[name] = Change(value, applicableAt);
        emit ChangeAnnounced(name, value, applicableAt);
    }

    /// @notice Applies an announced value once its time has come; anybody may.
    function applyChange(bytes32 name) external {
        Change memory change = changes[name];
        if (change.applicableAt == 0 || block.timestamp < change.applicableAt) revert ChangeNotDue(change.applicableAt);
        delete changes[name];
        emit ChangeApplied(name, change.value);
        if (name == "openBond") openBond = uint96(change.value);
        else if (name == "appealBond") appealBond = uint96(change.value);
        else if (name == "dailyCap") dailyCap = uint128(change.value);
        else if (name == "minimumTake") minimumTake = uint128(change.value);
        else if (name == "verdictVersion") _applyVersion(uint32(change.value));
        else _applyAddress(name, address(uint160(change.value)));
    }

    /// @notice Whether cases are opened about verdicts of this version: no other has members that could judge them.
    function isInForce(uint32 version) public view returns (bool) {
        return version == verdictVersion || (version == earlierVersion && block.timestamp < earlierUntil);
    }

    function _checkChange(bytes32 name, uint256 value) private pure {
        bool isBond = name == "openBond" || name == "appealBond";
        bool isAmount = name == "dailyCap" || name == "minimumTake";
        bool isVersion = name == "verdictVersion";
        uint256 most = isBond
            ? type(uint96).max
            : isAmount ? type(uint128).max : isVersion ? type(uint32).max : type(uint160).max;
        if (value > most) revert ValueTooLarge(name, value, most);
        if (isBond || isAmount) return;
        if (isVersion && value == 0) revert ZeroVerdictVersion();
        if (isVersion) return;
        if (
            name != "governor" &&
            name != "guardian" &&
            name != "treasury" &&
            name != "faultVerifier" &&
            name != "objectiveSlasher" &&
            name != "oracle"
        ) revert UnknownParameter(name);
        if (value == 0) revert ZeroAddress();
    }

    /// @dev The one before opens cases a while longer.
    function _applyVersion(uint32 version) private {
        (earlierVersion, earlierUntil) = (verdictVersion, uint48(block.timestamp) + VERDICT_OVERLAP);
        verdictVersion = version;
    }

    /// @dev Its name is one of these: the announcement was checked.
    function _applyAddress(bytes32 name, address value) private {
        if (name == "governor") governor = value;
        else if (name == "guardian") guardian = value;
        else if (name == "treasury") treasury = value;
        else if (name == "faultVerifier") faultVerifier = IFaultVerifier(value);
        else if (name == "objectiveSlasher") objectiveSlasher = ISlasher(value);
        else oracle = IDecoderOracle(value);
    }
}
