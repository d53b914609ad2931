// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title SecurityDeposit: an orchestrator's own stake for its word
/// @notice Opt-in. Leaving takes `thawSeconds` (statute, plus answer, plus a buffer), thawing tokens stay slashable, and nothing leaves while
/// a case is open. Bonded LPT has neither protection: one `unbond` empties it.
contract SecurityDeposit {
    using SafeERC20 for IERC20;

    /// @dev Two slots.
    struct Account {
        /// @dev everything held, thawing included, 10^-18 tokens.
        uint128 amount;
        /// @dev the part that was asked back.
        uint128 thawing;
        /// @dev Unix seconds from which the thawing part can leave.
        uint64 thawedAt;
        /// @dev open cases; nothing leaves while it is not zero.
        uint32 freezes;
    }

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
        uint256 available = account.amount - account.thawing;
        if (amount > available) revert NotEnough(amount, available);
        account.thawing += uint128(amount);
        account.thawedAt = uint64(block.timestamp) + thawSeconds;
        emit Thawing(msg.sender, account.thawing, account.thawedAt);
    }

    /// @notice Pays out what has thawed.
    function withdraw() external {
        Account storage account = accounts[msg.sender];
        uint256 amount = account.thawing;
        if (account.freezes != 0) revert DepositFrozen(account.freezes);
        if (amount == 0) revert NothingThawing();
        if (block.timestamp < account.thawedAt) revert NotThawed(account.thawedAt);
        account.amount -= uint128(amount);
        account.thawing = 0;
        account.thawedAt = 0;
        token.safeTransfer(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
    }

    /// @notice Holds the deposit while one more case is open.
    function freeze(address transcoder) external onlyVerifier {
        uint32 freezes = ++accounts[transcoder].freezes;
        emit Frozen(transcoder, freezes);
    }

    /// @notice Ends one case's hold.
    function unfreeze(address transcoder) external onlyVerifier {
        Account storage account = accounts[transcoder];
        if (account.freezes == 0) revert NotFrozen(transcoder);
        uint32 freezes = --account.freezes;
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

    /// @notice Everything that a conviction could take.
    function stakeOf(address transcoder) external view returns (uint256) {
        return accounts[transcoder].amount;
    }

    /// @notice Whether a case is open.
    function isFrozen(address transcoder) external view returns (bool) {
        return accounts[transcoder].freezes != 0;
    }
}
