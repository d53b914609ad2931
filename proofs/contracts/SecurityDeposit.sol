// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title SecurityDeposit: an orchestrator's own stake for its word
/// @notice Opt-in. Leaving takes `thawSeconds` (statute, plus answer, plus a buffer), thawing tokens stay slashable, and nothing leaves while
/// a case is open. Bonded LPT has neither protection: one `unbond` empties it. What thaws is no security any more, though it can be taken:
/// `securityOf` is what stands behind a receipt, since it stays until the receipt cannot be proven any more.
contract SecurityDeposit {
    using SafeERC20 for IERC20;

    /// @dev Two slots.
    struct Account {
        /// @dev everything held, thawing included, 10^-18 tokens.
        uint128 amount;
        /// @dev the part that was asked back; once its time to leave is over it is deposit again, whatever stands here.
        uint128 thawing;
        /// @dev Unix seconds from which the thawing part can leave.
        uint64 thawedAt;
        /// @dev open cases; nothing leaves while it is not zero.
        uint32 freezes;
    }

    /// @notice Seconds from `thawedAt` on in which what has thawed can leave, a weekend included; later it must thaw anew. Without an end a
    /// deposit could be thawed in store and leave at any moment.
    uint64 public constant WITHDRAW_SECONDS = 3 days;

    IERC20 public immutable token;
    /// @notice Opens and ends freezes.
    address public immutable verifier;
    /// @notice Takes what a conviction costs.
    address public immutable slasher;
    /// @notice Seconds between the wish to leave and the withdrawal.
    uint64 public immutable thawSeconds;

    mapping(address => Account) public accounts;

    event Deposited(address indexed transcoder, uint256 amount, address from);
    event Thawing(address indexed transcoder, uint256 amount, uint64 thawedAt);
    event Withdrawn(address indexed transcoder, uint256 amount);
    event Frozen(address indexed transcoder, uint256 freezes);
    event Unfrozen(address indexed transcoder, uint256 freezes);
    event Taken(address indexed transcoder, uint256 amount, address to);

    error ZeroAmount();
    error NotEnough(uint256 asked, uint256 available);
    error NothingThawing();
    error NotThawed(uint64 thawedAt);
    /// @notice It was not withdrawn in time and is deposit again.
    error ThawLapsed(uint64 lapsedAt);
    /// @notice A case against this transcoder is open.
    error DepositFrozen(uint256 freezes);
    error NotFrozen(address transcoder);
    error OnlyVerifier();
    error OnlySlasher();

    constructor(IERC20 token_, address verifier_, address slasher_, uint64 thawSeconds_) {
        token = token_;
        verifier = verifier_;
        slasher = slasher_;
        thawSeconds = thawSeconds_;
    }

    modifier onlyVerifier() {
        if (msg.sender != verifier) revert OnlyVerifier();
        _;
    }

    /// @notice Adds to the caller's deposit; approved before.
    function deposit(uint256 amount) external {
        depositFor(msg.sender, amount);
    }

    /// @notice Adds to a transcoder's deposit out of the caller's tokens.
    function depositFor(address transcoder, uint256 amount) public {
        if (amount == 0) revert ZeroAmount();
        Account storage account = accounts[transcoder];
        uint256 total = account.amount + amount;
        if (total > type(uint128).max) revert NotEnough(total, type(uint128).max);
        account.amount = uint128(total);
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Deposited(transcoder, amount, msg.sender);
    }

    /// @notice Asks `amount` more back; the wait starts anew for all that thaws.
    function thaw(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        Account storage account = accounts[msg.sender];
        if (_isLapsed(account)) account.thawing = 0;
        uint256 available = account.amount - account.thawing;
        if (amount > available) revert NotEnough(amount, available);
        account.thawing += uint128(amount);
        account.thawedAt = uint64(block.timestamp) + thawSeconds;
        emit Thawing(msg.sender, account.thawing, account.thawedAt);
    }

    /// @notice Pays out what has thawed, within `WITHDRAW_SECONDS`.
    function withdraw() external {
        Account storage account = accounts[msg.sender];
        uint256 amount = account.thawing;
        if (account.freezes != 0) revert DepositFrozen(account.freezes);
        if (amount == 0) revert NothingThawing();
        if (block.timestamp < account.thawedAt) revert NotThawed(account.thawedAt);
        if (_isLapsed(account)) revert ThawLapsed(account.thawedAt + WITHDRAW_SECONDS);
        account.amount -= uint128(amount);
        account.thawing = 0;
        account.thawedAt = 0;
        token.safeTransfer(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
    }

    /// @notice Holds the deposit while one more case is open.
    function freeze(address transcoder) external onlyVerifier {
        Account storage account = accounts[transcoder];
        // Else the end of the case would give what has lapsed a second time to leave, without the wait.
        if (_isLapsed(account)) (account.thawing, account.thawedAt) = (0, 0);
        uint32 freezes = ++account.freezes;
        emit Frozen(transcoder, freezes);
    }

    /// @notice Ends one case's hold. What thawed meanwhile could not leave: its time to do so begins with the end of the last hold.
    function unfreeze(address transcoder) external onlyVerifier {
        Account storage account = accounts[transcoder];
        if (account.freezes == 0) revert NotFrozen(transcoder);
        uint32 freezes = --account.freezes;
        if (freezes == 0 && account.thawedAt != 0 && account.thawedAt < block.timestamp) account.thawedAt = uint64(block.timestamp);
        emit Unfrozen(transcoder, freezes);
    }

    /// @notice Takes up to `amount`, thawing tokens included. Never reverts because of the amount.
    /// @return taken 10^-18 tokens that really moved.
    function take(address transcoder, uint256 amount, address to) external returns (uint256 taken) {
        if (msg.sender != slasher) revert OnlySlasher();
        Account storage account = accounts[transcoder];
        taken = amount < account.amount ? amount : account.amount;
        if (taken == 0) return 0;
        account.amount -= uint128(taken);
        if (account.thawing > account.amount) account.thawing = account.amount;
        token.safeTransfer(to, taken);
        emit Taken(transcoder, taken, to);
    }

    /// @notice Everything that a conviction could take, thawing included; as security it says too much.
    function stakeOf(address transcoder) external view returns (uint256) {
        return accounts[transcoder].amount;
    }

    /// @notice What no withdrawal reaches within `thawSeconds` from now: the deposit without what is on its way out.
    function securityOf(address transcoder) external view returns (uint256) {
        Account storage account = accounts[transcoder];
        return _isLapsed(account) ? account.amount : account.amount - account.thawing;
    }

    /// @notice Whether a case is open.
    function isFrozen(address transcoder) external view returns (bool) {
        return accounts[transcoder].freezes != 0;
    }

    /// @dev Time to leave does not end while a case holds it.
    function _isLapsed(Account storage account) private view returns (bool) {
        return account.thawedAt != 0 && account.freezes == 0 && block.timestamp >= account.thawedAt + WITHDRAW_SECONDS;
    }
}
