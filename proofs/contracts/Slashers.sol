// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ISlasher} from "./ISlasher.sol";
import {SecurityDeposit} from "./SecurityDeposit.sol";

/// @notice Caller is not the FishermanVerifier.
error OnlyVerifier();

/// @title SecurityDepositSlasher: takes from the orchestrators' own escrow
contract SecurityDepositSlasher is ISlasher {
    SecurityDeposit public immutable deposit;
    address public immutable verifier;

    constructor(SecurityDeposit deposit_, address verifier_) {
        deposit = deposit_;
        verifier = verifier_;
    }

    /// @inheritdoc ISlasher
    function stakeOf(address transcoder) external view returns (uint256) {
        return deposit.stakeOf(transcoder);
    }

    /// @inheritdoc ISlasher
    function take(address transcoder, uint256 amount) external returns (uint256) {
        if (msg.sender != verifier) revert OnlyVerifier();
        return deposit.take(transcoder, amount, verifier);
    }
}

/// @title NullSlasher: takes nothing
/// @notice For the time before any stake can be reached: proofs are recorded, nobody pays.
contract NullSlasher is ISlasher {
    /// @notice A proof that would have cost something.
    event Noted(address indexed transcoder, uint256 amount);

    /// @inheritdoc ISlasher
    function stakeOf(address) external pure returns (uint256) {
        return 0;
    }

    /// @inheritdoc ISlasher
    function take(address transcoder, uint256 amount) external returns (uint256) {
        emit Noted(transcoder, amount);
        return 0;
    }
}

/// @title ILivepeerController: Livepeer's address book
interface ILivepeerController {
    function getContract(bytes32 id) external view returns (address);
}

/// @title ILivepeerBondingManager: the deployed functions that slashing needs
interface ILivepeerBondingManager {
    function slashTranscoder(address transcoder, address finder, uint256 slashAmount, uint256 finderFee) external;

    function isRegisteredTranscoder(address transcoder) external view returns (bool);

    function getDelegator(
        address delegator
    )
        external
        view
        returns (
            uint256 bondedAmount,
            uint256 fees,
            address delegateAddress,
            uint256 delegatedAmount,
            uint256 startRound,
            uint256 lastClaimRound,
            uint256 nextUnbondingLockId
        );
}

/// @title LivepeerBondSlasher: takes from a transcoder's own bond in Livepeer's BondingManager
/// @notice Seizes instead of burning: the whole penalty goes to the finder of the call, which is this contract, and on to the verifier's
/// escrow. This contract is the address to register as "Verifier" in Livepeer's Controller, together with BURNER_ROLE for the Minter
/// (burn(0) is called even so). Only objective classes may use it: bonds can be emptied before any dispute ends.
contract LivepeerBondSlasher is ISlasher {
    using SafeERC20 for IERC20;

    bytes32 private constant BONDING_MANAGER = keccak256("BondingManager");
    /// @dev Livepeer's MathUtils.PERC_DIVISOR.
    uint256 private constant PPM = 1_000_000;
    /// @notice No call asks for more than this share; a full slash would also leave phantom stake behind.
    uint256 public constant MAX_PPM = 100_000;

    ILivepeerController public immutable controller;
    IERC20 public immutable token;
    address public immutable verifier;

    constructor(ILivepeerController controller_, IERC20 token_, address verifier_) {
        controller = controller_;
        token = token_;
        verifier = verifier_;
    }

    /// @inheritdoc ISlasher
    function stakeOf(address transcoder) public view returns (uint256) {
        ILivepeerBondingManager manager = _manager();
        // A plain delegator would be slashed too, so only registered transcoders have stake here.
        if (!manager.isRegisteredTranscoder(transcoder)) return 0;
        (uint256 bonded, , , , , , ) = manager.getDelegator(transcoder);
        return bonded;
    }

    /// @inheritdoc ISlasher
    /// @dev No try/catch: a caller could starve the inner call of gas and burn the proof for nothing. What moved is measured, not believed.
    function take(address transcoder, uint256 amount) external returns (uint256 taken) {
        if (msg.sender != verifier) revert OnlyVerifier();
        uint256 stake = stakeOf(transcoder);
        if (stake == 0) return 0;
        uint256 ppm = amount >= stake ? MAX_PPM : (amount * PPM) / stake;
        if (ppm > MAX_PPM) ppm = MAX_PPM;
        if (ppm == 0) return 0;
        uint256 before = token.balanceOf(address(this));
        _manager().slashTranscoder(transcoder, address(this), ppm, PPM);
        taken = token.balanceOf(address(this)) - before;
        if (taken > 0) token.safeTransfer(verifier, taken);
    }

    function _manager() private view returns (ILivepeerBondingManager) {
        return ILivepeerBondingManager(controller.getContract(BONDING_MANAGER));
    }
}
